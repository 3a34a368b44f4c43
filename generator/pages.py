"""Pages for people: the enabled detections as a table and in full, and a picture of the flow."""

from generator import names
from generator.forwarding import Forward
from generator.model import SEVERITIES, Detection, Shape, Target

DETECTIONS = "pages/detections.md"
FLOW = "pages/flow.md"


def files(shape: Shape, forwards: tuple[Forward, ...]) -> dict[str, str]:
    """The pages of a shape by file name."""
    return {DETECTIONS: _detections(shape), FLOW: _flow(shape, forwards)}


def _detections(shape: Shape) -> str:
    loudest = sorted(shape.detections, key=lambda d: (-SEVERITIES.index(d.severity), d.id))
    lines = [
        "# Detections",
        "",
        "What this configuration watches for, the loudest first.",
        "",
        "| severity | detection | pack | goes to |",
        "| --- | --- | --- | --- |",
    ]
    for detection in loudest:
        targets = ", ".join(shape.wiring.get(detection.id, ())) or "nowhere"
        name = f"[{_cell(detection.title)}](#{detection.id})"
        lines.append(f"| {detection.severity} | {name} | {detection.pack} | {targets} |")
    for detection in loudest:
        lines += ["", *_section(detection)]
    return "\n".join(lines) + "\n"


def _section(detection: Detection) -> list[str]:
    lines = [f'## <a id="{detection.id}"></a>{detection.title}', ""]
    reads = "; also sees read-only events" if detection.read_only else ""
    lines += [f"`{detection.id}`, {detection.severity}{reads}.", ""]
    lines += [" ".join(detection.why.split()), ""]
    if detection.harmless_when:
        lines += [f"Harmless when: {' '.join(detection.harmless_when.split())}", ""]
    if detection.attack:
        lines += [f"MITRE ATT&CK: {', '.join(detection.attack)}.", ""]
    lines += [f"- <{reference}>" for reference in detection.references]
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _flow(shape: Shape, forwards: tuple[Forward, ...]) -> str:
    """A Mermaid diagram: member rules, the bus, and for each target what reaches it."""
    lines = [
        "# The flow",
        "",
        "```mermaid",
        "flowchart LR",
        "  subgraph member [every account, every Region]",
        '    default["default event bus"]',
    ]
    for forward in forwards:
        kind = "reads too" if forward.reads else "writes"
        lines.append(f'    default --> {_node(forward.name)}["{forward.name}<br/>{kind}"]')
    lines += ["  end", "  subgraph central [central account]"]
    lines.append(f'    bus["event bus {names.bus(shape.name_prefix)}"]')
    for target in shape.targets:
        count = sum(target.name in targets for targets in shape.wiring.values())
        detections = f"{count} detection{'s' if count != 1 else ''}"
        node = _node(target.name)
        box = f'{node}["{target.name}<br/>{_what(target)}"]'
        responder = shape.responders.get(target.options.get("responder") or "")
        if target.kind == "responder" and responder and responder.schedule:
            archive = target.options["settings"].get(responder.reads)
            from_ = f"{_node(archive)} -- its archive -->" if archive else ""
            lines.append(f"    {from_} {box}".replace("     ", "    "))
        else:
            lines.append(f"    bus -- {detections} --> {box}")
        if target.kind == "workflow" and target.options["responder"]:
            lines.append(f"    {node} -- asks --> {_node(target.options['responder'])}")
    lines.append("  end")
    lines += [f"  {_node(forward.name)} --> bus" for forward in forwards]
    return "\n".join([*lines, "```", ""])


def _what(target: Target) -> str:
    """The kind of a target, and which of its receivers it is for."""
    if target.kind == "api_destination":
        return f"{target.kind}, {target.options['format']}"
    return target.kind


def _node(name: str) -> str:
    return names.logical(name)
