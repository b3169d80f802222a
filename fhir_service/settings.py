"""The settings: each field is an environment variable `FHIR_SERVICE_…` and a flag of `fhir-service serve`."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from fhir_service.http.address import BASE_PATH, LOOPBACK, bracketed


class Settings(BaseSettings):
    """Read once, in the command that starts the service; everything else is given values as arguments."""

    model_config = SettingsConfigDict(env_prefix="FHIR_SERVICE_", frozen=True, extra="forbid")

    open: bool = Field(False, description="Serve without sign-in, on this machine only (127.0.0.1, ::1, localhost).")
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on.")
    data_dir: Path = Field(Path("data"), description="Where the database, the packages and the secret are kept.")
    database: str = Field(
        "",
        description="sqlite:///PATH or memory:// [default: sqlite:///DATA_DIR/fhir.sqlite]",
        pattern=r"^(sqlite:///.+|memory://)?$",
    )
    base_url: str | None = Field(
        None,
        description="The address of the FHIR endpoint as clients know it [default: as the request says].",
        pattern=r"^https?://[^\s?#\"\\]+$",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins whose pages may call the service, with commas between; * for all [default: loopback]."
    )
    max_body: int = Field(50_000_000, ge=1, description="The longest request body, in bytes.")
    max_elements: int = Field(3_000_000, ge=1, description="The most elements of a request body.")
    max_resource_elements: int = Field(500_000, ge=1, description="The most elements of one resource in it.")
    max_entries: int = Field(20_000, ge=1, description="The most entries of a batch or transaction.")
    referential_integrity: bool = Field(
        True, description="Refuse references to what does not exist here, and deletes of what is referred to."
    )
    trust_proxy: bool = Field(False, description="Believe X-Forwarded-Host and X-Forwarded-Proto.")
    default_count: int = Field(20, ge=1, description="Matches on a page if _count does not say.")
    max_count: int = Field(1000, ge=1, description="The most matches on a page.")
    policy: Path | None = Field(
        None, description="The file that says which profiles apply [default: DATA_DIR/policy.toml, if it is there]."
    )
    conditional_delete: Literal["single", "multiple"] = Field(
        "single", description="Whether DELETE [type]?criteria may delete several resources."
    )
    max_delete: int = Field(1000, ge=1, le=10_000, description="The most resources that one such request deletes.")
    job_retention: int = Field(24, ge=1, description="Hours that the result of an asynchronous request is kept.")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @property
    def database_path(self) -> Path | None:
        """The file of the SQLite database; None for a store in memory."""
        if self.database == "memory://":
            return None
        return Path(self.database.removeprefix("sqlite:///")) if self.database else self.data_dir / "fhir.sqlite"

    @property
    def bases(self) -> tuple[str, ...]:
        """The addresses under which a reference is one to this server; without sign-in, all of loopback."""
        if self.base_url:
            return (self.base_url.rstrip("/"),)
        hosts = dict.fromkeys((self.host, *LOOPBACK)) if self.open else (self.host,)
        return tuple(f"http://{bracketed(host)}:{self.port}{BASE_PATH}" for host in hosts)

    @property
    def packages(self) -> Path:
        """The folder of the packages that were added."""
        return self.data_dir / "packages"

    @property
    def policy_file(self) -> Path | None:
        """The file of the policy: what is named, or what is in the data directory; None if there is none."""
        usual = self.data_dir / "policy.toml"
        return self.policy or (usual if usual.exists() else None)
