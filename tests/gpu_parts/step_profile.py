"""`tests/gpu speed`, the pieces `profile ...`: the kernels of one training step by kind of work, from Nsight Compute.

It empties the caches before each kernel: what a step finds in the L2 is read from memory here.
"""

import csv
import re
from pathlib import Path

from gpu_parts import machine
from gpu_parts.results import FAILED, NOT_RUN, PASSED, TIMED_OUT, Result

TIME, READ, WRITTEN = "gpu__time_duration.sum", "dram__bytes_read.sum", "dram__bytes_write.sum"  # ns and bytes
REFUSALS = ("ERR_NVGPUCTRPERM", "LibraryNotLoaded")  # no right to the counters; no library for them
BEGIN = "thaw::normalize_kernel"  # a step begins with its pictures
# What is not worth telling of a name: the library's version, a convolution's types and layouts, casts, parameters.
NOISE = re.compile(r"^void |<unnamed>::|\(anonymous namespace\)::|__\w?x_cudnn|implicit_gemm_bf16\w*nhwc_(?=tilesize)|"
                   r"\(\w+\)(?=-?\d)|\(.*")
# The first pattern that a shortened name holds names its kind of work. In a step of the goals cuDNN takes kernels of
# cutlass with these names for the stem alone.
KINDS = (
    ("normalize_u8", r"thaw::normalize_kernel"),
    ("the stem's pooling, forward", r"thaw::norm_pool_kernel"),
    ("the stem's pooling, backward", r"thaw::norm_pool_(gradient|cells)_kernel|column_sums_kernel.*Won"),
    ("joining of sums", r"thaw::finish_sums_kernel"),
    ("sums of statistics", r"column_sums_kernel.*Moments"),
    ("sums of gradients", r"column_sums_kernel.*Gradients"),
    ("BatchNorm apply", r"thaw::apply_kernel"),
    ("BatchNorm gradient apply", r"thaw::gradient_kernel"),
    ("average pooling", r"thaw::avg_\w+_kernel"),
    ("addition of gradients where a block begins", r"map_kernel<\d+, thaw::Sum"),
    ("running statistics, copies of gradients, changes of type", r"thaw::running_kernel|map_kernel<\d+, thaw::Identity"),
    ("optimizer and norm of the gradients", r"thaw::(step|squares|norm)_kernel"),
    ("global pooling, loss, bias of the last layer",
     r"thaw::(forward|backward|softmax|mean_loss)_kernel|sums_kernel.*Bias"),
    ("the stem's convolution and its weight gradient", r"cutlass::Kernel<(cutlass_tensorop\w*fprop|conv::Implicit)"),
    ("convolutions, forward", r"fprop"),
    ("convolutions, data gradient", r"dgrad"),
    ("convolutions, weight gradient", r"wgrad"),
    ("padding, cutting and preparation inside cuDNN",
     r"PaddingKernel|SliceCKernel|device_workspace|splitKreduce|ReduceSplitK"),
    ("convolutions as matrix products (nvjet, cutlass)", r"nvjet|cutlass::Kernel2"))


def shortened(name):
    return NOISE.sub("", name).replace("__nv_bfloat16", "bf16")[:64]


def kind(name):
    return next((kind for kind, pattern in KINDS if re.search(pattern, name)), f"`{name}`")


def volume(text):
    """Of "(12, 2, 1)"."""
    x, y, z = map(int, re.findall(r"\d+", text))
    return x * y * z


def kernels(text):
    """All that Nsight Compute tells, a row for each metric of a kernel; the program's own words stand before them."""
    found = {}
    for row in csv.DictReader(line for line in text.splitlines() if line.startswith('"')):
        kernel = found.setdefault(row["ID"], {"name": shortened(row["Kernel Name"]), "blocks": volume(row["Grid Size"]),
                                              "threads": volume(row["Block Size"])})
        kernel[row["Metric Name"]] = float(row["Metric Value"].replace(",", ""))
    return list(found.values())


def first_step(listed, launches):
    """(its kernels, why there are none)."""
    begins = [place for place, kernel in enumerate(listed) if kernel["name"].startswith(BEGIN)]
    if not begins:
        return [], f"Nsight Compute told of {len(listed)} kernels, of no {BEGIN}"
    if len(begins) == 1 and len(listed) >= launches:
        return [], f"the step has more kernels than the {launches} that were asked for"
    return listed[begins[0]:begins[1] if len(begins) > 1 else None], None


def summed(step):
    """[kind, kernels, us, bytes] of each kind of work, what takes longest first."""
    sums = {}
    for kernel in step:
        of = sums.setdefault(kind(kernel["name"]), [0, 0.0, 0.0])
        of[0] += 1
        of[1] += kernel[TIME] / 1e3
        of[2] += kernel[READ] + kernel[WRITTEN]
    return sorted(([name, *of] for name, of in sums.items()), key=lambda row: -row[2])


def one_by_one(step):
    rows = [("kernel", "blocks", "threads", "us", "read_MB", "written_MB")]
    rows += [(k["name"], str(k["blocks"]), str(k["threads"]), f"{k[TIME] / 1e3:.1f}", f"{k[READ] / 1e6:.1f}",
              f"{k[WRITTEN] / 1e6:.1f}") for k in step]
    return "".join("\t".join(row) + "\n" for row in rows)


def seconds(launches):
    """An H200 took 34 s for 1000 kernels and 70 s for 2300."""
    return 5 + 0.03 * launches


def profile(context, name, program, launches, limit_s):
    """program: a bench of one step, which runs further steps if there are launches left."""
    ncu = machine.find_program("ncu", sorted(Path("/opt/nvidia/nsight-compute").glob("*"), reverse=True))
    if not ncu:
        return Result(NOT_RUN, "Nsight Compute (ncu) is not on this machine")
    command = [ncu, "--clock-control", "none", "--metrics", f"{TIME},{READ},{WRITTEN}", "--csv", "--print-units",
               "base", "--launch-count", launches, *program]
    log, text = context.log("speed", f"profile {name}"), machine.text_of(command)
    outcome = machine.run(command, log, limit_s, split=True, environment={"XDG_CACHE_HOME": str(context.cache)})
    refusal = next((word for word in REFUSALS if word in outcome.text + outcome.errors), None)
    if refusal:
        return Result(NOT_RUN, f"Nsight Compute is refused here: {refusal}", text)
    if outcome.timed_out:  # it tells of the kernels at its end alone
        return Result(TIMED_OUT, f"did not end within {limit_s:.0f} s", text)
    if outcome.code != 0:
        lines = (outcome.text + outcome.errors).splitlines()
        said = [line for begin in ("error:", "==ERROR==") for line in lines if line.startswith(begin)]
        return Result(FAILED, (said or [machine.last_line(outcome.text)])[0][:400], text)
    listed = kernels(outcome.text)
    step, reason = first_step(listed, launches)
    if reason:
        return Result(NOT_RUN if len(listed) >= launches else FAILED, reason, text)
    log.with_suffix(".tsv").write_text(one_by_one(step))
    data = {"kernels": len(step), "us": sum(kernel[TIME] for kernel in step) / 1e3, "groups": summed(step)}
    return Result(PASSED, "", text, 0.0, data)
