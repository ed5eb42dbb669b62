"""Joins two networks to a bundle that MediaPipe's PoseLandmarker takes.

A bundle is an uncompressed zip of the network that finds the person and the one that
finds the landmarks. On the way in

- each gets normalization metadata, without which MediaPipe refuses it;
- the branch that draws a segmentation mask is cut off. Nothing here asks for the mask,
  yet it is computed for each picture: 18 % of the time of `lite`, 14 % of `full`, 8 %
  of `heavy`. The landmarks stay the same to the last bit (a test compares them).
"""

import copy
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.files import written_aside
from posture.vision.import_stubs import only_vision

DETECTOR = "pose_detector.tflite"
LANDMARKS = "pose_landmarks_detector.tflite"
Networks = Mapping[str, bytes]  # by these two names

_NORMALIZATION = {DETECTOR: (127.5, 127.5), LANDMARKS: (0.0, 255.0)}  # mean, std
_MASK_OUTPUT = 2  # of the five outputs of the landmark network
_SCORE_OUTPUT = 1
_INPUTS_OF_CONVOLUTION = 3  # what it sees, weights, bias


def write_bundle(path: Path, networks: Networks, *, keep_mask: bool = False) -> None:
    """Join two networks to a bundle at `path`, whole or not at all.

    `keep_mask` leaves the segmentation branch in, as the official bundles have it.

    Raises:
        OSError: the disk is full, the folder is not writable, ...
    """
    prepared = {
        name: _prepare(
            networks[name],
            _NORMALIZATION[name],
            without_mask=name == LANDMARKS and not keep_mask,
        )
        for name in (DETECTOR, LANDMARKS)
    }
    with (
        written_aside(path) as aside,
        zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as bundle,
    ):
        for name, network in prepared.items():
            # A fixed date, so that the same networks always give the same file.
            bundle.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), network)


def _prepare(
    network: bytes, normalization: tuple[float, float], without_mask: bool
) -> bytes:
    import flatbuffers

    with only_vision():
        from mediapipe.tasks.metadata import schema_py_generated as schema

    model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs(network, 0))
    if not model.metadata or b"TFLITE_METADATA" not in [m.name for m in model.metadata]:
        _add_metadata(model, _metadata(*normalization))
    if without_mask:
        _cut_mask(model)
    builder = flatbuffers.Builder(len(network) + 10_000)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _add_metadata(model: Any, metadata: bytes) -> None:  # noqa: ANN401 - generated
    import numpy as np
    from mediapipe.tasks.metadata import schema_py_generated as schema

    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(metadata, np.uint8)
    entry.name, entry.buffer = b"TFLITE_METADATA", len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]


def _metadata(mean: float, std: float) -> bytes:
    """TFLite metadata that says how pixels become numbers: (pixel - mean) / std."""
    import flatbuffers
    from mediapipe.tasks.metadata import metadata_schema_py_generated as schema

    norm, unit, content = (
        schema.NormalizationOptionsT(),
        schema.ProcessUnitT(),
        schema.ContentT(),
    )
    norm.mean, norm.std = [mean], [std]
    unit.optionsType, unit.options = (
        schema.ProcessUnitOptions.NormalizationOptions,
        norm,
    )
    content.contentPropertiesType = schema.ContentProperties.ImageProperties
    content.contentProperties = schema.ImagePropertiesT()
    content.contentProperties.colorSpace = schema.ColorSpaceType.RGB
    tensor, graph, model = (
        schema.TensorMetadataT(),
        schema.SubGraphMetadataT(),
        schema.ModelMetadataT(),
    )
    tensor.name, tensor.processUnits, tensor.content = "image", [unit], content
    graph.inputTensorMetadata, model.subgraphMetadata = [tensor], [graph]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"M001")
    return bytes(builder.Output())


def _cut_mask(model: Any) -> None:  # noqa: ANN401 - generated
    """Drop every operation that only the segmentation mask needs."""
    graph = model.subgraphs[0]
    outputs = [int(each) for each in graph.outputs]
    made_by = {out: op for op in graph.operators for out in op.outputs}
    # How sure it is: 1,152 multiplications, the smallest of the last convolutions.
    operation = made_by[outputs[_SCORE_OUTPUT]]
    while len(operation.inputs) < _INPUTS_OF_CONVOLUTION:
        operation = made_by[operation.inputs[0]]
    outputs[_MASK_OUTPUT] = _copy(graph, operation)
    made_by[outputs[_MASK_OUTPUT]] = graph.operators[-1]
    needed: set[int] = set()
    todo = [made_by[each] for each in outputs]
    while todo:
        operation = todo.pop()
        if id(operation) not in needed:
            needed.add(id(operation))
            todo += [made_by[each] for each in operation.inputs if each in made_by]
    graph.operators = [each for each in graph.operators if id(each) in needed]
    graph.outputs = outputs
    model.signatureDefs = None  # they name the outputs as they were


def _copy(graph: Any, operation: Any) -> int:  # noqa: ANN401 - generated
    """Have an operation done twice; gives the second result, which nobody reads.

    To the GPU delegate an output is what nobody reads, and it must find five of them:
    one tensor twice, or one from the midst of the network, does not count (seen with
    MediaPipe 1.2.2 on an NVIDIA H200).
    """
    result, again = copy.copy(graph.tensors[operation.outputs[0]]), copy.copy(operation)
    result.name = b"StandIn"
    again.outputs = [len(graph.tensors)]
    graph.tensors.append(result)
    graph.operators.append(again)
    return len(graph.tensors) - 1
