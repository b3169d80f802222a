"""`fhir-service serve`: the server, one process.

Without `--open` it refuses to start, because sign-in does not exist yet; with it, it listens on this machine only.
"""

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fhir_service.http.address import BASE_PATH, bracketed, is_loopback

if TYPE_CHECKING:
    from fhir_service.settings import Settings

_BANNER = """
━━━ 認証なし / OPEN ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
  この機械を使える人は誰でも、すべてのデータを読み書きできます。
  実際の患者の情報を入れないでください。
  Anyone who can use this machine can read and write everything.
  Do not put data of real patients in.
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
"""
_NO_SIGN_IN = (
    "サインインの仕組みがまだないため、--open なしでは起動できません。"
    "試用には、この機械の中だけで動く --open を使ってください。\n"
    "Sign-in does not exist yet, so that serve starts only with --open, which serves this machine alone, for trial."
)
_NOT_LOOPBACK = (
    "--open では、この機械の中のアドレス(127.0.0.1、::1、localhost)だけで待ち受けます。{host}では起動できません。\n"
    "With --open the server listens on 127.0.0.1, ::1 or localhost only; it will not start on {host}."
)
_NOT_FREE = (
    "{host} のポート {port} では待ち受けられません({reason})。--port で別のポートを使ってください。\n"
    "The server cannot listen on port {port} of {host} ({reason}); choose another with --port."
)
_STOP_LIMIT = 10  # seconds that open requests have to end

# The options that a line does not hold; what they mean is in settings.py.
DataDir = Annotated[
    Path | None, typer.Option(help="Where the database, the packages and the secret are kept.  [default: data]")
]
Database = Annotated[
    str | None, typer.Option(help="sqlite:///PATH or memory://.  [default: sqlite:///DATA_DIR/fhir.sqlite]")
]
BaseAddress = Annotated[
    str | None, typer.Option(help="The endpoint's address as clients know it.  [default: as the request says]")
]
Origins = Annotated[
    str | None,
    typer.Option(help="Origins whose pages may call, with commas between; * for all.  [default: this machine's]"),
]
Integrity = Annotated[
    bool | None,
    typer.Option(help="Refuse references to what is not here, deletes of what is referred to.  [default: on]"),
]
TrustProxy = Annotated[
    bool | None, typer.Option("--trust-proxy", help="Believe X-Forwarded-Host and X-Forwarded-Proto.")
]


def serve(
    *,
    open_: Annotated[bool | None, typer.Option("--open", help="Serve without sign-in, on this machine only.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on.  [default: 8080]")] = None,
    data_dir: DataDir = None,
    database: Database = None,
    base_url: BaseAddress = None,
    cors_origins: Origins = None,
    max_body: Annotated[int | None, typer.Option(help="Bytes of the longest body.  [default: 50000000]")] = None,
    max_elements: Annotated[int | None, typer.Option(help="The most elements of a body.  [default: 3000000]")] = None,
    max_resource_elements: Annotated[int | None, typer.Option(help="Those of one resource.  [default: 500000]")] = None,
    max_entries: Annotated[int | None, typer.Option(help="Entries of a batch, transaction.  [default: 20000]")] = None,
    referential_integrity: Integrity = None,
    trust_proxy: TrustProxy = None,
    default_count: Annotated[int | None, typer.Option(help="Matches on a page.  [default: 20]")] = None,
    max_count: Annotated[int | None, typer.Option(help="The most matches on a page.  [default: 1000]")] = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="The file that says which profiles apply.  [default: DATA_DIR/policy.toml, if there]"),
    ] = None,
    conditional_delete: Annotated[
        str | None, typer.Option(help="single or multiple: what DELETE [type]?criteria may delete.  [default: single]")
    ] = None,
    max_delete: Annotated[
        int | None, typer.Option(help="The most resources that one such request deletes.  [default: 1000]")
    ] = None,
    job_retention: Annotated[
        int | None, typer.Option(help="Hours that results of asynchronous requests are kept.  [default: 24]")
    ] = None,
) -> None:
    """Start the server. Each option can also be set as FHIR_SERVICE_… in the environment."""
    _start({name.removesuffix("_"): value for name, value in locals().items() if value is not None})


def _start(flags: dict[str, Any]) -> None:
    # Loaded here, so that `fhir-service --help` does not wait for them.
    import re2  # noqa: F401 - else the first pattern loads it, while somebody waits
    import uvicorn

    from fhir_service.app import build
    from fhir_service.cli.refusal import refusing
    from fhir_service.cli.tuning import tune
    from fhir_service.http.protocol import LimitedProtocol

    settings = _settings(flags)
    _refuse_unsafe(settings.open, settings.host)
    _refuse_taken(settings.host, settings.port)

    with refusing():
        application = build(settings)
    tune()
    typer.echo(_BANNER)
    typer.echo(f"  http://{bracketed(settings.host)}:{settings.port}{BASE_PATH}\n")
    uvicorn.run(
        application,
        host=settings.host,
        port=settings.port,
        http=LimitedProtocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_LIMIT,
    )


def _settings(flags: dict[str, Any]) -> "Settings":
    """Return the settings; if one cannot be used, say so and stop."""
    from pydantic import ValidationError

    from fhir_service.settings import Settings

    try:
        return Settings(**flags)
    except ValidationError as error:
        for each in error.errors():
            name = ".".join(str(part) for part in each["loc"])
            typer.echo(f"{name}: {each['msg']} ({each['input']!r})", err=True)
        raise typer.Exit(2) from None


def _refuse_unsafe(is_open: bool, host: str) -> None:
    if not is_open:
        typer.echo(_NO_SIGN_IN, err=True)
        raise typer.Exit(2)
    if not is_loopback(host):
        typer.echo(_NOT_LOOPBACK.format(host=host), err=True)
        raise typer.Exit(2)


def _refuse_taken(host: str, port: int) -> None:
    """End before anything is opened where the port is another's, or not ours to have."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        typer.echo(_NOT_FREE.format(host=host, port=port, reason=os.strerror(error.errno or 0)), err=True)
        raise typer.Exit(1) from None
