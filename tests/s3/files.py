"""Sends files to a service that keeps them in S3, looks into the bucket, and fetches them back."""

import hashlib
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request

import boto3
from botocore.exceptions import EndpointConnectionError

S3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT"], region_name=os.environ["AWS_REGION"])
BUCKET = "stride"


def make_bucket():
    for _ in range(300):
        try:
            S3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_REGION"]})
            return
        except EndpointConnectionError:
            time.sleep(0.1)
    sys.exit("the store did not start")


def objects():
    return {o["Key"]: o["Size"] for o in S3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def unfinished():
    return S3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])


def call(method, path, body=None, **headers):
    headers = {"Authorization": "Bearer " + os.environ["TOKEN_STRATEGY_MANAGER"], **headers}
    if isinstance(body, dict):
        body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    request = urllib.request.Request(os.environ["BASE"] + "/api/v1" + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read()


def made(method, path, body, **headers):
    status, text = call(method, path, body, **headers)
    assert status == 201, (path, status, text)
    return json.loads(text)


def comes(what, why):
    for _ in range(200):
        if what():
            return
        time.sleep(0.1)
    sys.exit(why)


def break_off(document, kept):
    """Announces a file of 50 MB, sends 12, waits until some of it has arrived in the store, and is gone."""
    host, port = os.environ["BASE"].removeprefix("http://").split(":")
    head = (f"POST /api/v1/documents/{document}/versions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/pdf\r\n"
            f"Authorization: Bearer {os.environ['TOKEN_STRATEGY_MANAGER']}\r\nContent-Length: 50000000\r\n\r\n%PDF-1.7\n")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + bytes(12_000_000))
        comes(lambda: unfinished() or objects() != kept, "nothing of the upload arrived in the store")


def main():
    unit = json.loads(call("GET", "/units?limit=1")[1])["items"][0]["id"]
    document = made("POST", "/documents", {"title": "Kept in a bucket", "document_kind": "other", "owner_unit_id": unit})["id"]
    files = [b"%PDF-1.7\n" + os.urandom(size) for size in (1_000, 23_000_000)]
    for file in files:
        before = set(objects())
        version = made("POST", f"/documents/{document}/versions", file, **{"Content-Type": "application/pdf"})
        assert version["sha256"] == hashlib.sha256(file).hexdigest()
        new = [size for key, size in objects().items() if key not in before and key.startswith("files/")]
        assert len(file) in new, f"the bucket has {new}"
        content = f"/document-versions/{version['id']}/content"
        status, body = call("GET", content)
        assert (status, body) == (200, file)
        status, body = call("GET", content, Range="bytes=100-299")
        assert (status, body) == (206, file[100:300])
        status, body = call("GET", content, Range="bytes=-50")
        assert (status, body) == (206, file[-50:])
    kept = objects()
    status, text = call("POST", f"/documents/{document}/versions", b"<html>", **{"Content-Type": "application/pdf"})
    assert status in (415, 422), (status, text)
    assert objects() == kept, "a refused upload left something"
    break_off(document, kept)
    comes(lambda: objects() == kept and not unfinished(), "a broken-off upload left something")
    print(f"S3: {len(files)} files kept, fetched whole and in ranges; what was refused or broke off left nothing")


if __name__ == "__main__":
    make_bucket() if sys.argv[1:] == ["bucket"] else main()
