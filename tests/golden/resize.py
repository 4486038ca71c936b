"""Writes resize.txt: what Pillow's and torchvision's preprocessing make of pictures from a formula.

Run in this folder with Pillow and torchvision: python3 resize.py. The pixel at (x, y), channel c is
(x * x * 7 + y * y * 13 + x * y * 5 + c * 91 + 40 * ((x // 3 + y // 5) % 2)) % 256.
Lines: resize W H CHANNELS OUT_W OUT_H hex, and eval W H CHANNELS SIZE RESIZE hex (torchvision's Resize and CenterCrop).
"""
import numpy as np
from PIL import Image
from torchvision import transforms


def picture(width, height, channels):
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    value = x * x * 7 + y * y * 13 + x * y * 5 + c * 91 + 40 * ((x // 3 + y // 5) % 2)
    array = (value % 256).astype(np.uint8)
    return Image.fromarray(array if channels == 3 else array[:, :, 0])


def line(*fields):
    return " ".join(str(f) for f in fields[:-1]) + " " + np.array(fields[-1]).tobytes().hex() + "\n"


with open("resize.txt", "w") as out:
    for w, h, c, ow, oh in [(50, 37, 3, 22, 22), (50, 37, 1, 22, 30), (16, 16, 3, 32, 24), (7, 61, 1, 20, 9), (1, 1, 3, 4, 3),
                            (33, 20, 3, 33, 8), (33, 20, 3, 12, 20), (200, 150, 1, 11, 13), (1, 500, 3, 6, 6), (40, 3, 1, 8, 1)]:
        out.write(line("resize", w, h, c, ow, oh, picture(w, h, c).resize((ow, oh), Image.BILINEAR)))
    for w, h, c, size, resize in [(61, 47, 3, 24, 27), (47, 61, 3, 24, 27), (32, 32, 3, 32, 32), (35, 32, 3, 32, 32), (64, 50, 1, 21, 24),
                                  (10, 300, 1, 16, 18), (5, 6, 3, 16, 18), (41, 40, 3, 21, 24)]:
        transform = transforms.Compose([transforms.Resize(resize), transforms.CenterCrop(size)])
        out.write(line("eval", w, h, c, size, resize, transform(picture(w, h, c))))
