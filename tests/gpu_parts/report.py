"""`tests/gpu report`: the results of all parts as one page, docs/gpu/DEVICE-DATE.md."""

import datetime
import re

from gpu_parts import build, roofline, speed
from gpu_parts.results import PASSED, counts

TITLES = {"build": "Build", "test": "Tests on the GPU", "sanitize": "compute-sanitizer",
          "lockstep": "Training in lock-step with the host", "speed": "Speed"}


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]


def said(result):
    return result.status + (f": {result.reason}" if result.reason else "")


def plain_section(listed):
    return table(["piece", "result", "seconds"], [[piece.name, said(result), f"{result.seconds:.0f}"]
                                                  for piece, result in listed])


def test_section(listed):
    rows = [[piece.name, said(result), *(result.data.get(key, "") for key in ("passed", "failed", "not run")),
             f"{result.seconds:.0f}"] for piece, result in listed]
    lines = table(["piece", "result", "cases passed", "failed", "not run", "seconds"], rows)
    reasons = sorted({reason for _, result in listed for reason in result.data.get("reasons", [])})
    return lines + ([""] + [f"- not run: {reason}" for reason in reasons] if reasons else [])


def sanitize_section(listed):
    """One row per tool; what did not pass by name."""
    tools = dict.fromkeys(piece.name.split()[0] for piece, _ in listed)
    rows = []
    for tool in tools:
        of = [result for piece, result in listed if piece.name.split()[0] == tool]
        rows.append([tool, *counts(of), f"{sum(result.seconds for result in of):.0f}"])
    lines = table(["tool", "test files passed", "failed", "not run", "seconds"], rows)
    rest = [f"- {piece.name}: {said(result)}" for piece, result in listed if result.status != PASSED]
    return lines + ([""] + rest if rest else [])


def lockstep_section(listed):
    lines = test_section(listed)
    rows = [row for _, result in listed for row in result.data.get("rows", [])]
    if rows:
        lines += ["", "The difference, Euclidean, as a part of the tensor's length; of a stage's tensors the worst, of the three "
                  "steps the worst and the best. The bounds and their reasons: `tests/tools/train/lockstep_test.cpp`.", ""]
        lines += table(["case", "what", "worst step", "best step"], rows)
    return lines


def kernel_lines(result, peak):
    """Every op at every shape, and the sums over the network. share: the least time over the measured one."""
    data = result.data
    bandwidth = data["limits"]["copy_gbytes_per_second"]
    rows, sums = [], {}
    for op in data["ops"]:
        flops, moved = op["gflops"] * op["ms"] * 1e-3, op["gbytes_per_second"] * op["ms"] * 1e-3  # in 1e9
        by_bytes, by_flops = moved / bandwidth * 1e3, flops * 1e9 / peak * 1e3 if peak else 0.0
        share = max(by_bytes, by_flops) / op["ms"]
        rows.append([f"`{op['op']}`", op["shape"], op["count"], f"{op['ms']:.4f}", f"{op['gbytes_per_second']:.0f}",
                     f"{by_bytes / op['ms']:.0%}", f"{share:.0%}"])
        total = sums.setdefault(op["op"], [0.0, 0.0])
        total[0] += op["ms"] * op["count"]
        total[1] += max(by_bytes, by_flops) * op["count"]
    lines = [f"Copy: {bandwidth:.0f} GB/s, read and written. `{result.command}`", ""]
    lines += table(["op, each shape as often as the network has it", "ms", "share of the limit"],
                   [[f"`{op}`", f"{ms:.3f}", f"{least / ms:.0%}"] for op, (ms, least) in sums.items()])
    lines += ["", "<details><summary>every shape</summary>", ""]
    lines += table(["op", "shape", "times", "ms", "GB/s", "of the copy", "of the limit"], rows)
    return lines + ["", "</details>", ""]


def step_row(data, peaks, bandwidth):
    config, ms, task = data["config"], data["ms"], data["config"]["task"]
    own = ms["thaw"]
    item = 2 if config["precision"] == "bf16" else 4
    floor = roofline.step_seconds(config["model"], config["plan"], task, config["batch"], config["size"], item,
                                  peaks.get(config["precision"], 0.0), bandwidth) if bandwidth else None
    cells = []
    for form in ("eager", "compiled"):
        cells += [f"{ms[form]:.2f}", f"{ms[form] / own:.2f}"] if form in ms else ["not run", ""]
    return [config["model"], f"train {config['plan']}" if task == "train" else task, config["precision"],
            config["batch"], f"{own:.2f}", f"{config['batch'] / own * 1e3:.0f}", *cells,
            f"{floor * 1e3:.2f}" if floor else "not known", f"{floor * 1e3 / own:.0%}" if floor else "",
            min(len(data["all_ms"].get(form, [])) for form in ("thaw", "eager", "compiled"))]


STEP_HEAD = ["model", "step", "type", "batch", "Thaw ms", "images/s", "eager ms", "than eager", "compiled ms",
             "than compiled", "roofline ms", "share", "rounds"]


def ceilings(listed):
    """(FLOP/s by type, bytes/s), as far as they were measured."""
    data = {piece.name: result.data for piece, result in listed}
    bandwidth = max((of["limits"]["copy_gbytes_per_second"] * 1e9 for of in data.values() if "limits" in of), default=0.0)
    return data.get("matrix product", {}), bandwidth


def step_rows(listed):
    """One per configuration that Thaw ran: with its peers where they ran, else Thaw alone."""
    peaks, bandwidth = ceilings(listed)
    found = {}
    for piece, result in listed:
        if "thaw" in result.data.get("ms", {}):
            name = piece.name.split(" ", 1)[1]
            if name not in found or len(result.data["ms"]) > len(found[name]["ms"]):
                found[name] = result.data
    return [step_row(data, peaks, bandwidth) for data in found.values()]


def speed_section(listed):
    peaks, _ = ceilings(listed)
    lines = []
    for piece, result in listed:
        if piece.name == "matrix product" and result.data:
            lines += [f"A large matrix product in PyTorch: f32 {peaks['f32'] * 1e-12:.1f} TFLOP/s, bf16 "
                      f"{peaks['bf16'] * 1e-12:.1f}. `{result.command}`", ""]
    lines += ["Shares and the roofline take the time of a kernel to be at least its bytes by the measured copy"
              + (" and its operations by that product." if peaks else "; arithmetic is not counted."),
              "Times are medians, by the host's clock, and hold the queueing of the kernels.", "", "### Steps", "",
              "Thaw, PyTorch eager and torch.compile take turns; *than eager* is eager's time over Thaw's. 0 rounds: Thaw "
              "without both of its peers. The roofline is the least time of Thaw's own decomposition into kernels.", ""]
    rows = step_rows(listed)
    if rows:
        lines += table(STEP_HEAD, rows)
    notes = [f"- {piece.name}: {said(result)}" for piece, result in listed if result.status != PASSED]
    notes += [f"- {piece.name}: torch.compile made {result.data['graphs']} graphs, the first step took "
              f"{result.data['compile_seconds']:.0f} s" for piece, result in listed if "graphs" in result.data]
    lines += ["", *notes, ""] if notes else [""]
    commands = [f"- {piece.name}: `{result.command}`" + (f", `{result.data['peer_command']}`"
                                                           if "peer_command" in result.data else "")
                for piece, result in listed if "config" in result.data]
    if commands:
        lines += ["<details><summary>commands that repeat a row</summary>", "", *commands, "", "</details>", ""]
    lines += [*profile_lines(listed), "### Kernels", ""]
    for piece, result in listed:
        if piece.name.startswith("ops "):
            lines += [f"#### {piece.name.removeprefix('ops ')}", ""]
            peak = peaks.get(result.data.get("precision"), 0.0)
            lines += kernel_lines(result, peak) if result.data.get("ops") else [said(result), ""]
    return lines


def profile_lines(listed):
    """The kernels of one step by kind of work."""
    lines = []
    for piece, result in listed:
        if piece.name.startswith("profile ") and result.data:
            data = result.data
            name, whole = piece.name.removeprefix("profile "), f"{data['kernels']} kernels, {data['us'] / 1e3:.1f} ms"
            lines += [f"#### {name}: {whole}", "", f"`{result.command}`", ""]
            rows = [[kind, count, f"{us / 1e3:.2f}", f"{moved / 1e9:.2f}", f"{moved / us / 1e6:.2f}" if us else ""]
                    for kind, count, us, moved in data["groups"]]
            lines += table(["kind of work", "kernels", "ms", "GB", "TB/s"], rows) + [""]
    if not lines:
        return []
    return ["### Where the time of a step goes", "",
            "Every kernel of a step that is not recorded, by Nsight Compute. It empties the caches before each kernel, "
            "so what a real step finds in the L2 is read from memory here. One by one: `logs/speed/profile_*.tsv`.", "",
            *lines]


def summary(context):
    """What a call says at its end, should nothing but its words come home."""
    listed = [(piece, context.store.read(piece)) for piece in speed.pieces(context)]
    rows = step_rows(listed)
    return table(STEP_HEAD, rows) if rows else []


def device(context):
    """What the piece `build device` found."""
    piece = next(piece for piece in build.pieces(context) if piece.name == "device")
    return context.store.read(piece).data


def facts(context):
    if context.emulated:
        return ["The script's own trial, with tiny sizes: no figure here says anything of a GPU."]
    return [f"- {key}: {value}" for key, value in device(context).get("facts", {}).items()]


def name_and_date(context):
    found = device(context)
    return found.get("name", "no GPU"), found.get("date", str(datetime.date.today()))


def mixed(everything):
    """Which pieces ran from other sources than most."""
    sources = [result.sources for _, result in everything if result.sources]
    usual = max(set(sources), key=sources.count, default="")
    others = [piece.title for piece, result in everything if result.sources not in ("", usual)]
    return [f"Of other sources than the rest: {', '.join(others)}.", ""] if others else []


def page(context, parts):
    """(text, counts): parts: {part: [(piece, result)]}."""
    name, date = name_and_date(context)
    everything = [pair for listed in parts.values() for pair in listed]
    passed, failed, unrun = counts([result for _, result in everything])
    lines = [f"# {name}, {date}", "",
             f"Written by `tests/gpu`: {passed} pieces passed, {failed} failed, {unrun} not run.", "", *facts(context), "",
             *mixed(everything)]
    sections = {"test": test_section, "sanitize": sanitize_section, "lockstep": lockstep_section,
                "speed": speed_section}
    for part, listed in parts.items():
        part_passed, part_failed, part_unrun = counts([result for _, result in listed])
        lines += [f"## {TITLES[part]}", "", f"{part_passed} passed, {part_failed} failed, {part_unrun} not run.", ""]
        lines += sections.get(part, plain_section)(listed) + [""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n", (passed, failed, unrun)


def file_name(context):
    name, date = name_and_date(context)
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"{words}-{date}.md"
