"""The `kubeflow:` block of an experiment: where and with what a cluster runs it."""

from typing import Annotated

from pydantic import Field

from schema.frozen import Frozen

Cores = Annotated[str, Field(pattern=r"^([0-9]+(\.[0-9]+)?|[0-9]+m)$")]
Bytes = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?([EPTGMK]i?)?$")]


class ContainerConfig(Frozen):
    """What a component's container gets; what is left out is Kubernetes' to decide."""

    cpu_request: Cores | None = None  # cores, as 2 or 500m
    cpu_limit: Cores | None = None
    memory_request: Bytes | None = None  # bytes, as 4Gi
    memory_limit: Bytes | None = None
    retries: int | None = Field(default=None, ge=0, le=10)  # after a failure
    beam_args: tuple[str, ...] | None = None  # in place of the experiment's


class VolumeConfig(Frozen):
    """A claim to a volume that every component's container sees."""

    claim: str = Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
    path: str = Field(pattern=r"^/.*[^/]$")  # where it is mounted


class KubeflowConfig(Frozen):
    """A Kubeflow Pipelines v2 installation, as an experiment uses it."""

    # Of the pipeline; without it, the experiment's.
    pipeline_name: str | None = None
    # By tag, which should hold the code's fingerprint, or by digest.
    image: str | None = None
    # Where artifacts go: gs://, s3:// or minio://, as the installation is set up.
    pipeline_root: str | None = None
    # The folder by which a run knows of the one before.
    memory: str | None = None
    volumes: tuple[VolumeConfig, ...] = ()
    containers: ContainerConfig = ContainerConfig(retries=2)
    # By component, over those of all: {Trainer: {memory_limit: 16Gi}}.
    components: dict[str, ContainerConfig] = Field(default_factory=dict)

    def container(self, component: str) -> ContainerConfig:
        """Returns what a component gets: its own settings, else those of all."""
        own = self.components.get(component, ContainerConfig())
        given = own.model_dump(exclude_none=True)
        return self.containers.model_copy(update=given)
