"""As much of GitHub as the Marketplace and HACS ask for, and their catalogue."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import json
import re
import threading
from typing import Any, Self, override
from urllib.parse import parse_qs, unquote, urlsplit

REPOSITORY = "community-safety/home-assistant-community-safety"
NUMBER = 1101
TOKEN = "a token"
_TIME = "2026-11-01T00:00:00Z"


@dataclass
class Release:
    """A release: the repository at its tag, and its asset."""

    tag: str
    tree: dict[str, bytes]
    asset: bytes
    filename: str = "community_safety.zip"


class GitHub:
    """One repository, at an address of the loopback interface while it is entered."""

    def __init__(self) -> None:
        """Initialize without a release."""
        #: The newest comes first.
        self.releases: list[Release] = []
        #: If the catalogue names the repository.
        self.listed = False
        #: What was asked for and is not there.
        self.missed: list[str] = []
        github = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = github.answer(self.path)
                if answer is None:
                    github.missed.append(self.path)
                self.send_response(404 if answer is None else 200)
                kind = "octet-stream" if isinstance(answer, bytes) else "json"
                body = (
                    answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                )
                self.send_header("Content-Type", f"application/{kind}")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("ETag", '"1"')
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            @override
            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str) -> Any:
        """Return what is at a path; None if there is nothing."""
        parts = urlsplit(path)
        query = {key: rows[0] for key, rows in parse_qs(parts.query).items()}
        routes: dict[str, Callable[..., Any]] = {
            rf"/api.github.com/repos/{REPOSITORY}": self._repository,
            rf"/api.github.com/repos/{REPOSITORY}/releases": lambda: [
                self._release(row) for row in self.releases
            ],
            rf"/api.github.com/repos/{REPOSITORY}/branches/main": lambda: {
                "name": "main",
                "commit": {"sha": "0123456789abcdef0123456789abcdef01234567"},
            },
            rf"/api.github.com/repos/{REPOSITORY}/git/trees/(.+)": self._tree,
            rf"/api.github.com/repos/{REPOSITORY}/contents/(.+)": (
                lambda name: self._content(query.get("ref", "main"), name)
            ),
            r"/api.github.com/rate_limit": lambda: {
                "resources": {"core": {"limit": 5000, "remaining": 5000, "reset": 0}}
            },
            r"/github.com/login/device/code": lambda: {
                "device_code": "device",
                "user_code": "ABCD-EFGH",
                "verification_uri": "https://github.com/login/device",
                "expires_in": 900,
                "interval": 1,
            },
            r"/github.com/login/oauth/access_token": lambda: {
                "access_token": TOKEN,
                "token_type": "bearer",
                "scope": "",
            },
            rf"/github.com/{REPOSITORY}/releases/download/([^/]+)/(.+)": self._asset,
            rf"/raw.githubusercontent.com/{REPOSITORY}/([^/]+)/(.+)": self._file,
            r"/data-v2.hacs.xyz/(\w+)/data.json": self._catalogue,
        }
        for pattern, handle in routes.items():
            if found := re.fullmatch(pattern, unquote(parts.path)):
                return handle(*found.groups())
        return None

    def _at(self, ref: str) -> Release | None:
        """Return the repository at a tag or a branch."""
        tag = ref.removeprefix("refs/").removeprefix("tags/")
        if tag == "main":
            return self.releases[0]
        return next((row for row in self.releases if row.tag == tag), None)

    def _repository(self) -> dict[str, Any]:
        return {
            "id": NUMBER,
            "full_name": REPOSITORY,
            "name": REPOSITORY.partition("/")[2],
            "description": "Community Safety",
            "default_branch": "main",
            "archived": False,
            "fork": False,
            "has_issues": True,
            "license": {"name": "Apache License 2.0", "spdx_id": "Apache-2.0"},
            "open_issues_count": 0,
            "open_issues": 0,
            "pushed_at": _TIME,
            "stargazers_count": 0,
            "topics": ["fire-safety"],
        }

    def _release(self, release: Release) -> dict[str, Any]:
        return {
            "id": len(self.releases),
            "tag_name": release.tag,
            "name": release.tag,
            "body": f"What is new in {release.tag}",
            "draft": False,
            "prerelease": False,
            "published_at": _TIME,
            "assets": [
                {
                    "id": 1,
                    "name": release.filename,
                    "download_count": 0,
                    "size": len(release.asset),
                    "browser_download_url": (
                        f"https://github.com/{REPOSITORY}/releases/download/"
                        f"{release.tag}/{release.filename}"
                    ),
                }
            ],
        }

    def _tree(self, ref: str) -> dict[str, Any] | None:
        if not (release := self._at(ref)):
            return None
        folders = {
            "/".join(name.split("/")[:depth])
            for name in release.tree
            for depth in range(1, name.count("/") + 1)
        }
        rows = [(name, "tree") for name in folders] + [
            (name, "blob") for name in release.tree
        ]
        return {
            "sha": "1",
            "truncated": False,
            "tree": [
                {"path": name, "type": kind, "mode": "100644", "sha": "1", "url": ""}
                for name, kind in sorted(rows)
            ],
        }

    def _file(self, ref: str, name: str) -> bytes | None:
        release = self._at(ref)
        return release.tree.get(name) if release else None

    def _content(self, ref: str, name: str) -> dict[str, Any] | None:
        if (content := self._file(ref, name)) is None:
            return None
        return {
            "type": "file",
            "name": name.rpartition("/")[2],
            "path": name,
            "encoding": "base64",
            "content": base64.b64encode(content).decode(),
            "size": len(content),
            "sha": "1",
        }

    def _asset(self, tag: str, filename: str) -> bytes | None:
        release = self._at(tag)
        return release.asset if release and release.filename == filename else None

    def _catalogue(self, section: str) -> Any:
        if section in ("removed", "critical"):
            return []
        if section != "integration" or not self.listed:
            return {}
        release = self.releases[0]
        manifest = json.loads(
            release.tree["custom_components/community_safety/manifest.json"]
        )
        return {
            str(NUMBER): {
                "description": "Community Safety",
                "domain": manifest["domain"],
                "etag_repository": "1",
                "full_name": REPOSITORY,
                "last_commit": "0123456",
                "last_fetched": 1_790_000_000,
                "last_updated": _TIME,
                "last_version": release.tag,
                "manifest": {"name": "Community Safety"},
                "manifest_name": manifest["name"],
            }
        }
