"""Lists, makes, patches, watches and deletes nodes with Kubernetes' own Python client; prints what it saw as one line of JSON.

The kubeconfig is the first argument.
"""

import json
import sys

from kubernetes import client, config, dynamic, watch

PLACE = ("windlass.dev", "v1", "nodes")
PAGE = 2


def node(name):
    return {
        "apiVersion": "windlass.dev/v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"case": "python"}},
        "spec": {"address": "tcp://127.0.0.1:2375"},
    }


def pages(api):
    names, token = [], None
    while True:
        page = api.list_cluster_custom_object(*PLACE, limit=PAGE, _continue=token)
        names.append([item["metadata"]["name"] for item in page["items"]])
        token = page["metadata"].get("continue")
        if not token:
            return names


def watched(api, version, wanted):
    events = []
    stream = watch.Watch().stream(
        api.list_cluster_custom_object, *PLACE, label_selector="case=python", resource_version=version, timeout_seconds=20
    )
    for event in stream:
        events.append(f"{event['type']} {event['object']['metadata']['name']}")
        if len(events) == wanted:
            return events
    return events


def conflict(api):
    stale = api.get_cluster_custom_object(*PLACE, "py-0")
    api.patch_cluster_custom_object(*PLACE, "py-0", {"metadata": {"labels": {"again": "yes"}}})
    try:
        api.replace_cluster_custom_object(*PLACE, "py-0", stale)
    except client.ApiException as error:
        return [error.status, json.loads(error.body)["reason"]]
    return None


def main(kubeconfig):
    api_client = config.new_client_from_config(kubeconfig)
    api = client.CustomObjectsApi(api_client)
    version = api.list_cluster_custom_object(*PLACE)["metadata"]["resourceVersion"]
    for number in range(3):
        api.create_cluster_custom_object(*PLACE, node(f"py-{number}"))
    merged = api.patch_cluster_custom_object(*PLACE, "py-1", {"spec": {"availability": "drain"}})
    patch = [{"op": "replace", "path": "/spec/availability", "value": "pause"}]
    patched = api.patch_cluster_custom_object(*PLACE, "py-1", patch, _content_type="application/json-patch+json")
    report = {
        "pages": pages(api),
        "merged": merged["spec"]["availability"],
        "patched": patched["spec"]["availability"],
        "conflict": conflict(api),
        "dynamic": dynamic.DynamicClient(api_client).resources.get(api_version="windlass.dev/v1", kind="Node").get(name="py-2").kind,
    }
    api.delete_cluster_custom_object(*PLACE, "py-2")
    report["events"] = watched(api, version, 7)
    print(json.dumps(report))


main(sys.argv[1])
