"""One module per command, with `arguments(parser)` and `run(arguments, screen) -> exit code`."""

from __future__ import annotations

COMMANDS = {
    "render": "write the templates (what runs when no command is named)",
    "check": "stale files, limits, cfn-lint: each finding a line",
    "detections": "the catalogue, or one detection explained",
    "simulate": "deploy to a simulated organization on this machine and send events through it",
    "handoff": "what another pipeline needs: Control Tower's customizations, GitHub Actions",
    "schema": "the JSON Schema of the configuration, for editors",
}

EXAMPLES = {
    "render": """\
examples:
  trailbus                             render the built-in configuration into out/
  trailbus --config trailbus.yaml      render yours
  trailbus render --out /tmp/look      somewhere else, to compare
""",
    "check": """\
examples:
  trailbus check                       is out/ current, within limits, and clean?
  trailbus check --no-lint             without cfn-lint: a second instead of several
""",
    "detections": """\
examples:
  trailbus detections                          the whole catalogue
  trailbus detections cloudtrail_trail_deleted one of them, with its examples
""",
    "simulate": """\
examples:
  trailbus simulate                            the catalogue's own examples
  trailbus simulate logs/*.json.gz             your own CloudTrail archives
  trailbus simulate --accounts 50 --regions us-east-1,eu-west-1 --json event.json
""",
    "handoff": """\
examples:
  trailbus handoff cfct --config trailbus.yaml           print the manifest
  trailbus handoff cfct --config trailbus.yaml --out p   the whole configuration package
  trailbus handoff github --config trailbus.yaml --out . the workflow, where GitHub looks for it
""",
    "schema": """\
examples:
  trailbus schema > trailbus.schema.json
""",
}
