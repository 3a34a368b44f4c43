"""One module per command, with `arguments(parser)` and `run(arguments, screen) -> exit code`."""

from __future__ import annotations

COMMANDS = {
    "render": "write the templates (what runs when no command is named)",
    "check": "stale files, limits, cfn-lint: each finding a line",
    "detections": "the catalogue, or one detection explained",
    "simulate": "deploy to a simulated organization on this machine and send events through it",
    "plan": "what deploy would do: differences, accounts x Regions, cost; changes nothing",
    "deploy": "do it, with progress per account and Region; repeats safely, resumes",
    "destroy": "take it away again, in the right order; keeps data unless told",
    "status": "what is covered: accounts x Regions with one sign each, and why not",
    "doctor": "what in the organization would stop a rollout, and its cure",
    "undo": "take back what a responder did, by the evidence it left",
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
    "plan": """\
examples:
  trailbus plan --config trailbus.yaml               read, compare, tell
  trailbus plan --config trailbus.yaml --out plan.json   for a review; then: deploy plan.json
  trailbus plan --rehearse                           without AWS: a simulated organization
""",
    "deploy": """\
examples:
  trailbus deploy --config trailbus.yaml             again and again: only what differs
  trailbus deploy --config trailbus.yaml plan.json   exactly what was reviewed, or nothing
  trailbus deploy --rehearse --accounts 20           without AWS: a simulated organization
""",
    "destroy": """\
examples:
  trailbus destroy --config trailbus.yaml            asks, and keeps what holds data
  trailbus destroy --config trailbus.yaml --yes --data   asks nothing, keeps nothing
  trailbus destroy --rehearse                        without AWS: a simulated organization
""",
    "status": """\
examples:
  trailbus status --config trailbus.yaml                 a line per Region, what is not green
  trailbus status --config trailbus.yaml --all           every account
  trailbus status --config trailbus.yaml --html page.html --drift
""",
    "doctor": """\
examples:
  trailbus doctor --config trailbus.yaml                 before the first rollout
  trailbus doctor --config trailbus.yaml --json
""",
    "undo": """\
examples:
  trailbus undo evidence.json                  what would be called, then asks
  trailbus undo evidence.json --profile payments-admin --yes
  trailbus undo - --role Admin --yes < report.json    a report that was piped in
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
