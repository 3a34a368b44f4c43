"""What setup.cfg cannot say: the handlers stand beside the package and are installed inside it."""

from setuptools import find_namespace_packages, find_packages, setup

HANDLERS = find_namespace_packages("lambda", exclude=["*__pycache__*"])

setup(
    packages=[
        *find_packages(include=["generator", "generator.*"]),
        "generator.lambda",
        *(f"generator.lambda.{handler}" for handler in HANDLERS),
    ],
    package_dir={"generator.lambda": "lambda"},
    package_data={
        "generator": ["default.yaml", "detections/**/*.yaml"],
        "generator.lambda": ["**/*.yaml"],
    },
)
