"""Trailbus renders the templates that bring an AWS organization's CloudTrail events to one bus.

A river, not a lake. Each stage takes a value and returns a value; no arrow points back:

    trailbus.yaml, detections/  ->  Catalogue and Shape  (config, catalogue)
    Shape                       ->  event patterns       (patterns)
    patterns, policies, targets ->  templates            (member, central, ...)
    templates                   ->  text in out/         (render)
    out/, reviewed              ->  plan -> apply        (deploy)

The law of the river: the deploy side reads rendered text and cannot render, so what was reviewed
is what runs; and nothing on the render side knows an account, a Region or a secret.
"""

__version__ = "0.1.0"
