"""A GitHub Actions workflow that checks pull requests, and plans and deploys what is merged."""

from __future__ import annotations

import shlex

WORKFLOW = ".github/workflows/trailbus.yaml"

ACTIONS = {
    "actions/checkout": ("11bd71901bbe5b1630ceea73d27597364c9af683", "v4.2.2"),
    "actions/download-artifact": ("d3f86a106a0bac45b974a628896c90dbdf5c8093", "v4.3.0"),
    "actions/setup-python": ("a26af69be951a213d495a4c3e4e4022e16d87065", "v5.6.0"),
    "actions/upload-artifact": ("ea165f8d65b6e75b540449e92b4886f43607fa02", "v4.6.2"),
    "aws-actions/configure-aws-credentials": (
        "b47578312673ae6fa5b5096b330d9fbac3d116df",
        "v4.2.1",
    ),
}
"""The commit of each action: a tag can be moved to other code, a commit cannot. Read in 2026-12 in
several unrelated public repositories that pin the same ones, not from GitHub itself. Compare:
git ls-remote https://github.com/actions/checkout 'refs/tags/v4.2.2*'
https://docs.github.com/en/actions/reference/security/secure-use#using-third-party-actions"""

LOCK = "requirements.txt"

_EXPRESSION = "${{"
"""What begins an expression of GitHub's; a path that holds it would be one."""


def workflow(configuration: str) -> str:
    """The workflow of a repository that holds Trailbus, this configuration, and out/.

    Nothing keeps a secret: each job asks AWS for credentials by its identity (OIDC).
    https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
    """
    config = f"--config {shlex.quote(configuration)}"
    use = {name: f"{name}@{commit} # {version}" for name, (commit, version) in ACTIONS.items()}
    install = f"""\
      - run: python -m venv .venv
      # Wheels with known hashes only: nothing is built, and nothing else gets in.
      - run: ".venv/bin/python -m pip install --require-hashes --only-binary :all: -r {LOCK}\""""
    return f"""\
# Checks pull requests; plans and deploys what is merged into main.
#
# It needs, in the settings of the repository:
# - an environment 'trailbus', with required reviewers: they read the plan before it is deployed;
# - the variables TRAILBUS_REGION, and TRAILBUS_PLAN_ROLE and TRAILBUS_DEPLOY_ROLE, the ARNs of two
#   roles that trust GitHub's identity provider. The first only reads; let its trust demand the
#   subject repo:OWNER/NAME:ref:refs/heads/main. The second deploys; let its trust demand
#   repo:OWNER/NAME:environment:trailbus, so that nothing gets it which nobody has reviewed.
#   Repositories made since July 2026 carry ids in it: repo:OWNER@ID/NAME@ID:...
#   https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/
#
# Every action is pinned to a commit, and every package to its hash ({LOCK}). The job that
# checks what others propose holds no identity; those that ask AWS for one build nothing. cfn-lint
# is not among the packages: lint before you push (trailbus check).
#
# Plans name accounts: whoever may read this repository may read them.
name: trailbus
on:
  pull_request:
  push:
    branches: [main]
permissions: {{}}
jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 20
    permissions:
      contents: read
    steps:
      - uses: {use["actions/checkout"]}
        with:
          persist-credentials: false
      - uses: {use["actions/setup-python"]}
        with:
          python-version: "3.13"
{install}
      - run: .venv/bin/python -m generator check --no-lint {config}
  plan:
    if: github.event_name == 'push'
    needs: check
    runs-on: ubuntu-latest
    timeout-minutes: 30
    permissions:
      contents: read
      id-token: write
    steps:
      - uses: {use["actions/checkout"]}
        with:
          persist-credentials: false
      - uses: {use["actions/setup-python"]}
        with:
          python-version: "3.13"
{install}
      - uses: {use["aws-actions/configure-aws-credentials"]}
        with:
          role-to-assume: {_EXPRESSION} vars.TRAILBUS_PLAN_ROLE }}}}
          aws-region: {_EXPRESSION} vars.TRAILBUS_REGION }}}}
      # Without a change set this only reads.
      - run: .venv/bin/python -m generator plan {config} --no-change-set --out plan.json
      - uses: {use["actions/upload-artifact"]}
        with:
          name: plan
          path: plan.json
  deploy:
    if: github.event_name == 'push'
    needs: plan
    environment: trailbus
    # One rollout at a time, and none is broken off for the next.
    concurrency:
      group: trailbus-deploy
      cancel-in-progress: false
    runs-on: ubuntu-latest
    timeout-minutes: 350
    permissions:
      contents: read
      id-token: write
    steps:
      - uses: {use["actions/checkout"]}
        with:
          persist-credentials: false
      - uses: {use["actions/setup-python"]}
        with:
          python-version: "3.13"
{install}
      - uses: {use["actions/download-artifact"]}
        with:
          name: plan
      - uses: {use["aws-actions/configure-aws-credentials"]}
        with:
          role-to-assume: {_EXPRESSION} vars.TRAILBUS_DEPLOY_ROLE }}}}
          aws-region: {_EXPRESSION} vars.TRAILBUS_REGION }}}}
      # Does exactly what was planned, or refuses because the organization changed meanwhile.
      # Where credentials expire on the way, run the job again: it goes on where it was.
      - run: .venv/bin/python -m generator deploy plan.json {config}
"""
