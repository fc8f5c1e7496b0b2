"""A Flask route that reads JSON and answers 202: what HTTP alone costs under the same server."""

from flask import Flask, request

app = Flask(__name__)


@app.post("/v1/jobs")
def submit():
    body = request.get_json()
    return {"id": "job_x", "kind": body["kind"]}, 202
