"""Everything that can fail, made to fail, with every picture counted.

    make chaos SECONDS=600 SEED=1

Real broker, database, pooler and workers; cameras that note each picture that the
broker has acknowledged; a plan of faults drawn from a seed. In the end every such
picture has exactly one row and one file, and there is nothing else.
"""
