"""A GitHub Actions workflow that checks pull requests, and plans and deploys what is merged."""

from __future__ import annotations

import shlex

WORKFLOW = ".github/workflows/trailbus.yaml"

_EXPRESSION = "${{"
"""What begins an expression of GitHub's; a path that holds it would be one."""


def workflow(configuration: str) -> str:
    """The workflow of a repository that holds Trailbus, this configuration, and out/.

    Nothing keeps a secret: each job asks AWS for credentials by its identity (OIDC).
    https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
    """
    config = f"--config {shlex.quote(configuration)}"
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
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - uses: actions/setup-python@v5
        with:
          python-version: "3.13"
      - run: make setup
      - run: .venv/bin/python -m generator check {config}
  plan:
    if: github.event_name == 'push'
    needs: check
    runs-on: ubuntu-latest
    timeout-minutes: 30
    permissions:
      contents: read
      id-token: write
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - uses: actions/setup-python@v5
        with:
          python-version: "3.13"
      - run: make setup
      - uses: aws-actions/configure-aws-credentials@v6
        with:
          role-to-assume: {_EXPRESSION} vars.TRAILBUS_PLAN_ROLE }}}}
          aws-region: {_EXPRESSION} vars.TRAILBUS_REGION }}}}
      # Without a change set this only reads.
      - run: .venv/bin/python -m generator plan {config} --no-change-set --out plan.json
      - uses: actions/upload-artifact@v4
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
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - uses: actions/setup-python@v5
        with:
          python-version: "3.13"
      - run: make setup
      - uses: actions/download-artifact@v4
        with:
          name: plan
      - uses: aws-actions/configure-aws-credentials@v6
        with:
          role-to-assume: {_EXPRESSION} vars.TRAILBUS_DEPLOY_ROLE }}}}
          aws-region: {_EXPRESSION} vars.TRAILBUS_REGION }}}}
      # Does exactly what was planned, or refuses because the organization changed meanwhile.
      # Where credentials expire on the way, run the job again: it goes on where it was.
      - run: .venv/bin/python -m generator deploy plan.json {config}
"""
