"""The shapes of collections' answers, and a small web server on the loopback that gives them."""

import csv
import io
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

from samehand.catalogue.fetch import fetch
from samehand.catalogue.http import Client


def jpeg(colour):
    stream = io.BytesIO()
    Image.effect_noise((96, 96), 10 + colour).convert("RGB").save(stream, "JPEG")
    return stream.getvalue()


class Site:
    """A small web server: `pages` maps a path to a body, or to a function of the handler.

    `weather`, if any, is asked before each answer with the handler and how often its path has been
    asked for, and returns whether it has answered.
    """

    def __init__(self):
        self.pages, self.asked, self.weather = {}, Counter(), None
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked[self.path] += 1
                if site.weather is not None and site.weather(self, site.asked[self.path]):
                    return None
                self.path = self.path.removeprefix("/moved")
                page = site.pages.get(self.path, site.pages.get(self.path.split("?")[0]))
                if page is None:
                    return self.answer(404, b"none", "text/plain")
                if callable(page):
                    return page(self)
                if isinstance(page, bytes):
                    return self.answer(200, page, "image/jpeg")
                return self.answer(200, json.dumps(page).encode(), "application/json")

            def answer(self, status, body, kind, **headers):
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(body)))
                    for name, value in headers.items():
                        self.send_header(name.replace("_", "-"), value)
                    self.end_headers()
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def client(**changes):
    return Client(**({"pause": 0.0, "timeout": 2.0, "allow_private": True, "tries": 3} | changes))


def cleveland(site, count=3, **changes):
    works = []
    for number in range(count):
        site.pages[f"/images/{number}.jpg"] = jpeg(number)
        works.append(
            {
                "id": number,
                "title": f"Work {number}",
                "creation_date": "c. 1650",
                "creators": [
                    {
                        "qualifier": "workshop of" if number == 0 else None,
                        "description": "Jan Steen (Dutch, 1626-1679)",
                    }
                ],
                "share_license_status": "CC0",
                "creditline": "Gift",
                "url": f"https://clevelandart.org/art/{number}",
                "images": {"web": {"url": f"{site.base}/images/{number}.jpg"}},
            }
            | changes
        )
    site.pages["/api/artworks/"] = {"info": {"total": count}, "data": works}


def table(folder):
    with (folder / "paintings.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def get(collection, site, out, words="steen", **changes):
    return fetch(collection, words, out, size=600, client=client(), base=site.base, **changes)


def aic(site):
    site.pages["/api/v1/artworks/search"] = {
        "pagination": {"total_pages": 1},
        "data": [{"id": 1, "title": "T", "artist_display": "Follower of Bosch\nDutch, 1450-1516",
                  "artwork_type_title": "Painting", "date_display": "1500/10", "image_id": "abc",
                  "is_public_domain": True, "credit_line": "C", "main_reference_number": "N1"},
                 {"id": 2, "artwork_type_title": "Print", "is_public_domain": True}],
        "config": {"iiif_url": f"{site.base}/iiif/2"},
    }  # fmt: skip
    site.pages["/iiif/2/abc/full/!600,600/0/default.jpg"] = jpeg(1)


def smk(site):
    site.pages["/api/v1/art/search"] = {
        "found": 1,
        "items": [{"object_number": "N1", "titles": [{"title": "T"}],
                   "production": [{"creator": "Follower of Bosch"}], "public_domain": True,
                   "production_date": [{"period": "1500-1510"}],
                   "rights": "https://creativecommons.org/publicdomain/zero/1.0/",
                   "image_iiif_id": f"{site.base}/iiif/x", "credit_line": ["C"]}],
    }  # fmt: skip
    site.pages["/iiif/x/full/!600,600/0/default.jpg"] = jpeg(1)


def met(site):
    site.pages["/public/collection/v1.1/search"] = {"total": 2, "objectIDs": [5, 6]}
    site.pages["/public/collection/v1/objects/5"] = {
        "classification": "Paintings", "artistPrefix": "Follower of", "artistDisplayName": "Bosch",
        "artistULAN_URL": "http://vocab.getty.edu/page/ulan/500008816", "title": "T",
        "accessionNumber": "N1", "creditLine": "C",
        "objectDate": "1500–1510", "isPublicDomain": True,
        "primaryImage": f"{site.base}/5.jpg", "objectURL": "https://www.metmuseum.org/5",
    }  # fmt: skip
    site.pages["/public/collection/v1/objects/6"] = {"classification": "Prints"}
    site.pages["/5.jpg"] = jpeg(1)


def rijksmuseum(site):
    aat = "http://vocab.getty.edu/aat/"
    site.pages["/search/collection"] = {"orderedItems": [{"id": f"{site.base}/200"}]}
    site.pages["/200"] = {
        "identified_by": [{"type": "Name", "content": "T"},
                          {"type": "Identifier", "content": "N1",
                           "classified_as": [{"id": f"{aat}300312355"}]}],
        "produced_by": {
            "referred_to_by": [{"content": "Follower of Bosch",
                                "classified_as": [{"id": f"{aat}300435416"}]}],
            "timespan": {"identified_by": [{"type": "Name", "content": "1500 - 1510"}]}},
        "referred_to_by": [{"content": "C", "classified_as": [{"id": f"{aat}300026687"}]}],
        "shows": [{"id": f"{site.base}/202"}],
    }  # fmt: skip
    site.pages["/202"] = {
        "digitally_shown_by": [{"id": f"{site.base}/500"}],
        "subject_to": [{"classified_as": [
            {"id": "https://creativecommons.org/publicdomain/mark/1.0/"}]}],
    }  # fmt: skip
    site.pages["/500"] = {"access_point": [{"id": f"{site.base}/i/full/max/0/default.jpg"}]}
    site.pages["/i/full/!600,600/0/default.jpg"] = jpeg(1)


def commons(site):
    said = {"Artist": "<a href='x'>Follower of Bosch</a>", "ObjectName": "T", "Credit": "C",
            "DateTimeOriginal": "1500-1510", "LicenseShortName": "Public domain"}  # fmt: skip
    site.pages["/w/api.php"] = {"query": {"pages": [{"pageid": 9, "imageinfo": [{
        "thumburl": f"{site.base}/9.jpg", "descriptionurl": "https://commons.wikimedia.org/9",
        "extmetadata": {name: {"value": value} for name, value in said.items()}}]}]}}  # fmt: skip
    site.pages["/9.jpg"] = jpeg(1)


def manifests(site):
    service = {"@id": f"{site.base}/s", "profile": "http://iiif.io/api/image/2/level2.json"}
    site.pages["/two"] = {
        "@type": "sc:Manifest", "@id": f"{site.base}/two", "label": "Two",
        "license": "https://creativecommons.org/publicdomain/mark/1.0/",
        "metadata": [{"label": [{"@language": "en", "@value": "Artist"}], "value": "After Rubens"}],
        "sequences": [{"canvases": [{"images": [{"resource": {"service": service}}]}]}],
    }  # fmt: skip
    three = {"id": f"{site.base}/s", "type": "ImageService3", "profile": "level1"}
    site.pages["/three"] = {
        "type": "Manifest", "id": f"{site.base}/three", "label": {"en": ["Three"]},
        "rights": "http://creativecommons.org/publicdomain/zero/1.0/",
        "metadata": [{"label": {"de": ["Künstler"]}, "value": {"none": ["Rubens"]}}],
        "items": [{"items": [{"items": [{"body": {"id": "x", "service": [three]}}]}]}],
    }  # fmt: skip
    site.pages["/all"] = {
        "type": "Collection", "id": f"{site.base}/all",
        "items": [{"type": "Manifest", "id": f"{site.base}/two"},
                  {"type": "Manifest", "id": f"{site.base}/three"},
                  {"type": "Collection", "id": f"{site.base}/all"}],
    }  # fmt: skip
    site.pages["/s/full/!600,600/0/default.jpg"] = jpeg(1)
    site.pages["/s/full/600,/0/default.jpg"] = jpeg(2)


def three_manifests(site):
    """A IIIF collection of three works: `site.base + "/collection"`."""
    items = []
    for number in range(3):
        site.pages[f"/iiif/{number}.jpg"] = jpeg(number)
        body = {"id": f"{site.base}/iiif/{number}.jpg", "type": "Image"}
        note = {"type": "Annotation", "body": body}
        canvas = {"type": "Canvas", "items": [{"type": "AnnotationPage", "items": [note]}]}
        said = {"label": {"en": ["Artist"]}, "value": {"en": [f"Painter {number}"]}}
        site.pages[f"/manifest/{number}"] = {
            "id": f"{site.base}/manifest/{number}",
            "type": "Manifest",
            "label": {"en": [f"Work {number}"]},
            "rights": "http://creativecommons.org/publicdomain/zero/1.0/",
            "metadata": [said],
            "items": [canvas],
        }
        items.append({"id": f"{site.base}/manifest/{number}", "type": "Manifest"})
    site.pages["/collection"] = {"type": "Collection", "items": items}
    return f"{site.base}/collection"


def nga(site, folder):
    """Write the tables of the National Gallery of Art into a folder."""
    (folder / "objects.csv").write_text(
        "objectid,title,displaydate,attribution,classification,creditline\n"
        '7,T,1500/1510,Follower of Bosch,Painting,"C, D"\n8,U,1900,Bosch,Print,C\n'
    )
    (folder / "published_images.csv").write_text(
        f"uuid,iiifurl,viewtype,openaccess,depictstmsobjectid\nu,{site.base}/iiif/u,primary,1,7\n"
    )
    site.pages["/iiif/u/full/!600,600/0/default.jpg"] = jpeg(1)
