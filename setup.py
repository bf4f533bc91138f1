"Build kvae_nb from `settings.ini`, the only place where its metadata stand."
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
EXTRAS = ("dev", "explore", "browser", "inception", "tables")
NEWEST_PYTHON = 14  # 3.14: the newest that torch is built for

config = ConfigParser(delimiters=["="])
config.read(HERE/"settings.ini", encoding="utf-8")
cfg = config["DEFAULT"]
oldest_python = int(cfg["min_python"].split(".")[1])

setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    keywords=cfg["keywords"],
    author=cfg["author"],
    author_email=cfg["author_email"],
    url=cfg["git_url"],
    license="Apache-2.0",
    license_files=["LICENSE"],
    long_description=(HERE/"README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    packages=find_packages(include=["kvae_nb", "kvae_nb.*"]),
    package_data={"kvae_nb": ["*.safetensors"], "kvae_nb.instrument": ["*.js"]},
    python_requires=f">={cfg['min_python']}",
    install_requires=cfg["requirements"].split(),
    extras_require={name: cfg[f"{name}_requirements"].split() for name in EXTRAS},
    entry_points={"console_scripts": cfg["console_scripts"].split()},
    classifiers=[
        "Development Status :: 3 - Alpha",
        f"Intended Audience :: {cfg['audience']}",
        "Framework :: Jupyter",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        *(f"Programming Language :: Python :: 3.{v}" for v in range(oldest_python, NEWEST_PYTHON + 1)),
    ],
)
