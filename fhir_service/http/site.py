"""What stands beside the FHIR endpoint: the front page, the API as OpenAPI and as pages, `/healthz` and `/version`.

The framework is loaded when the first of them is asked for, so that it costs the FHIR endpoint neither start nor
memory.
"""

from html import escape
from typing import TYPE_CHECKING

import fhir_service
from fhir_service.fhir.resource import Key
from fhir_service.http.address import BASE_PATH
from fhir_service.http.asgi import Asgi, Receive, Scope, Send
from fhir_service.interactions.services import Services

if TYPE_CHECKING:
    from fastapi import FastAPI

_JSON = "application/json"
_PAGE = """<!doctype html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>FHIR Service — 精神障害者アウトリーチ支援のデータ連携</title>
<style>
body {{ font: 16px/1.7 "Hiragino Sans", "Noto Sans JP", "Yu Gothic UI", system-ui, sans-serif; color: #1c2733;
  background: #f6f8fa; margin: 0; }}
main {{ max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem; }}
h1 {{ font-size: 1.6rem; margin: 0 0 .25rem; }}
.en {{ color: #5b6b7b; font-size: .9rem; }}
ul {{ background: #fff; border: 1px solid #dde3e9; border-radius: .5rem; list-style: none; padding: .5rem 1.25rem; }}
li {{ padding: .5rem 0; border-bottom: 1px solid #eef1f4; }}
li:last-child {{ border: 0; }}
a {{ color: #0b5cad; }}
code {{ background: #eef1f4; padding: .1rem .3rem; border-radius: .25rem; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<main>
<h1>FHIR Service</h1>
<p>精神科アウトリーチ支援のための、HL7 FHIR R4 データ連携サーバーです。病院からの診療情報提供書を受け取り、
市町村・保健所・訪問看護ステーションが支援計画を共有します。</p>
<p class="en">An HL7 FHIR R4 data service for community mental-health outreach in Japan.</p>
<ul>
{links}
</ul>
<p class="en">version {version} · FHIR 4.0.1</p>
</main>
</body>
</html>
"""
_LINKS = (
    (f"{BASE_PATH}/metadata?_format=json&_pretty=true", "サーバーにできること", "CapabilityStatement"),
    (f"{BASE_PATH}/Patient?_format=json&_pretty=true", "患者の一覧", "Patients"),
    (
        f"{BASE_PATH}/Task?status=requested&_format=json&_pretty=true",
        "受付待ちの依頼",
        "Tasks that wait to be accepted",
    ),
    (f"{BASE_PATH}/CarePlan?status=active&_format=json&_pretty=true", "実施中の支援計画", "Active care plans"),
    ("/docs", "APIの説明", "The API: types, search parameters, operations"),
    ("/openapi.json", "OpenAPI 3.1", "The same for programs"),
    ("/healthz", "稼働状況", "Health"),
    ("/version", "版と定義パッケージ", "Version and packages"),
)


class Site:
    """An ASGI application for everything outside the FHIR endpoint, made when it is first called."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._application: Asgi | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._application is None:
            self._application = _application(self._services)
        await self._application(scope, receive, send)


def _application(services: Services) -> Asgi:
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse

    # The framework knows nothing of the FHIR endpoint, and its own pages load scripts from elsewhere.
    application = FastAPI(title="FHIR Service", version=fhir_service.__version__, openapi_url=None)
    _add_documents(application, services)

    @application.get("/", response_class=HTMLResponse)
    async def front_page() -> str:
        return _front_page()

    @application.get("/healthz")
    async def health() -> dict[str, str]:
        """Answer only if the store does."""
        await services.store.read(Key("Patient", "healthz"))
        return {"status": "ok"}

    @application.get("/version")
    async def version() -> dict[str, object]:
        return {
            "name": "fhir-service",
            "version": fhir_service.__version__,
            "fhirVersion": "4.0.1",
            "packages": [f"{package.name}#{package.version}" for package in services.definitions.packages],
        }

    return application


def _add_documents(application: "FastAPI", services: Services) -> None:
    """Add the API as OpenAPI and as pages; they are made in a thread, once, when one of them is first asked for."""
    from fastapi import HTTPException, Request, Response
    from fastapi.responses import HTMLResponse

    from fhir_service.http.openapi import page
    from fhir_service.http.openapi.document import document_of

    def openapi(request: Request) -> Response:
        document = document_of(services)
        headers = {"Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(document.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=_JSON)
        return Response(document.plain, headers=headers, media_type=_JSON)

    def overview() -> str:
        return page.overview(document_of(services).content)

    def of_type(name: str) -> str:
        found = page.page_of(document_of(services).content, name)
        if found is None:
            raise HTTPException(404)
        return found

    application.add_api_route("/openapi.json", openapi, response_model=None)
    application.add_api_route("/docs", overview, response_class=HTMLResponse)
    application.add_api_route("/docs/{name}", of_type, response_class=HTMLResponse)


def _front_page() -> str:
    items = [f'<li><a href="{escape(url)}">{ja}</a><br><span class="en">{en}</span></li>' for url, ja, en in _LINKS]
    return _PAGE.format(links="\n".join(items), version=fhir_service.__version__)
