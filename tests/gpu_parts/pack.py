"""`tests/gpu pack`: what the build needs beside CUDA, cuDNN, CMake and ninja, copied from this machine into one folder."""

import platform
import shutil
import subprocess
from pathlib import Path

HEADERS = {  # where they are looked for -> where they go, below include/
    "CLI": "CLI", "nlohmann": "nlohmann", "fmt": "fmt", "doctest": "doctest",
    "stb/stb_image_write.h": "stb/stb_image_write.h",
    **{name: name for name in ("zlib.h", "zconf.h", "png.h", "pngconf.h", "pnglibconf.h", "jpeglib.h", "jmorecfg.h",
                               "jerror.h", "jconfig.h")},
}
LIBRARIES = ("libz.a", "libpng.a", "libjpeg.a")
PACKAGES = {  # CMake package: (file, target, definitions); header-only ones
    "fmt": ("fmt-config.cmake", "fmt::fmt", "FMT_HEADER_ONLY=1"),
    "nlohmann_json": ("nlohmann_jsonConfig.cmake", "nlohmann_json::nlohmann_json", ""),
    "CLI11": ("CLI11Config.cmake", "CLI11::CLI11", ""),
    "doctest": ("doctestConfig.cmake", "doctest::doctest", ""),
}
DEBIAN = {"zlib.h": "zlib1g-dev", "zconf.h": "zlib1g-dev", "libz.a": "zlib1g-dev", "CLI": "libcli11-dev",
          "nlohmann": "nlohmann-json3-dev", "fmt": "libfmt-dev", "doctest": "doctest-dev"}


def debian_package(name):
    if name in DEBIAN:
        return DEBIAN[name]
    return next(package for word, package in (("stb", "libstb-dev"), ("png", "libpng-dev"), ("j", "libjpeg-dev"))
                if word in name)


def find(name, folders):
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"{name} is missing: apt install {debian_package(name)}")


def pack(folder):
    """Fills `folder` anew; returns its size in bytes. FileNotFoundError names what is missing."""
    machine = f"{platform.machine()}-linux-gnu"
    prefixes = (Path("/usr/local"), Path("/usr"))
    includes = [prefix / "include" / extra for prefix in prefixes for extra in ("", machine)]
    libraries = [prefix / "lib" / extra for prefix in prefixes for extra in (machine, "")] + [Path("/usr/lib64")]
    copies = {find(name, includes): folder / "include" / to for name, to in HEADERS.items()}
    copies |= {find(name, libraries): folder / "lib" / name for name in LIBRARIES}
    for name in {debian_package(name) for name in (*HEADERS, *LIBRARIES)}:
        licence = Path("/usr/share/doc") / name / "copyright"
        if licence.exists():
            copies[licence] = folder / "licences" / name
    shutil.rmtree(folder, ignore_errors=True)
    for source, to in copies.items():
        to.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, to)
        else:
            shutil.copy(source, to)
    for package, (file, target, definitions) in PACKAGES.items():
        config = folder / "lib" / "cmake" / package / file
        config.parent.mkdir(parents=True)
        text = (f"if(NOT TARGET {target})\n  add_library({target} INTERFACE IMPORTED)\n"
                f"  target_include_directories({target} SYSTEM INTERFACE ${{CMAKE_CURRENT_LIST_DIR}}/../../../include)\n")
        if definitions:
            text += f"  target_compile_definitions({target} INTERFACE {definitions})\n"
        config.write_text(text + "endif()\n")
    (folder / "machine").write_text(platform.machine() + "\n")
    (folder / "commit").write_text(this_commit() + "\n")
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def this_commit():
    """Of the checkout; it does not travel with the sources."""
    command = ["git", "-C", Path(__file__).parent, "log", "-1", "--format=%h %s"]
    done = subprocess.run(command, capture_output=True, text=True, check=False) if shutil.which("git") else None
    return done.stdout.strip() if done and done.returncode == 0 else ""


def commit(folder):
    """Of the checkout where the packages were packed; of this one where nothing is carried."""
    file = folder / "commit"
    return file.read_text().strip() if file.exists() else this_commit()


def refusal(folder):
    """Why the carried packages cannot be used here, or None."""
    if not (folder / "machine").exists():
        return f"{folder} is not there; `tests/gpu pack` makes it on a machine that has the packages"
    packed = (folder / "machine").read_text().strip()
    if packed != platform.machine():
        return f"{folder} was packed on a machine of {packed}; this one is {platform.machine()}"
    return None
