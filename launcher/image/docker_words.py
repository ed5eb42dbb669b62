"""What Docker and registries say when something fails, and what mends it."""

from launcher.image.registry import is_about_credentials, registry_of

BUILDER = "docker buildx create --name posture --driver docker-container --use"
_REMEDIES = {
    "no space left on device": "free some space: docker builder prune",
    "multi-platform build is not supported": BUILDER,
    "multiple platforms feature is currently not supported": BUILDER,
    "buildkit-syft-scanner": (
        "let the builder reach Docker Hub for the scanner, or IMAGE_ATTEST=false"
    ),
    "toomanyrequests": "docker login, or wait: it limits what strangers pull",
    "unauthorized": "docker login {registry}",
    "denied": "docker login {registry}, as a user who may push to {repository}",
    "insufficient_scope": "docker login {registry}, as a user who may push",
    "connection refused": "check that the registry {registry} runs and can be reached",
    "no such host": "check the name {registry}, and this machine's DNS",
    "server gave http response to https client": (
        'add "insecure-registries": ["{registry}"] to the engine\'s daemon.json'
    ),
    "certificate signed by unknown authority": (
        "give the engine the registry's CA: /etc/docker/certs.d/{registry}/ca.crt"
    ),
}
# A builder in a container reads none of the engine's files, but one of its own.
_OWN_FILE = (
    'in buildkitd.toml: [registry."{registry}"], and below it %s; then: docker buildx '
    "create --name posture-own --driver docker-container --buildkitd-config "
    "buildkitd.toml --use"
)
_IN_A_CONTAINER = {
    "server gave http response to https client": _OWN_FILE % "http = true",
    "certificate signed by unknown authority": _OWN_FILE % 'ca = ["/path/of/ca.crt"]',
}
_HELPER = "install the credential helper that it names, or take it out of config.json"


def explain(said: str, repository: str, driver: str = "") -> str:
    """The last line of what was said, with its remedy for this kind of builder."""
    if is_about_credentials(said):
        return f"{last_line(said)} (mend: {_HELPER}, then: docker login)"
    own = _IN_A_CONTAINER if driver == "docker-container" else {}
    for words, remedy in (_REMEDIES | own).items():
        if words in said.lower():
            registry = registry_of(repository)
            mend = remedy.format(registry=registry, repository=repository)
            return f"{last_line(said)} (mend: {mend})"
    return last_line(said)


def last_line(said: str) -> str:
    """What matters most of what a command has said."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:400] if lines else "no output"
