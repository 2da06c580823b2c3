"""Build configuration that adds the tutorial's files to the discovered packages."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
# The files that the notebooks link to, and the site's sources. An installed package contains them at the same relative
# paths, so that `zetl run`, `zetl kit` and `zetl site` work without a copy of the repository.
TUTORIAL = ("*.md", "LICENSE", "mkdocs.yml", "docs/**/*.*", "notebooks/*.ipynb", "policies/*.*", "sample_data/*.*")


class BuildWithTutorial(build_py):
    """Build step that copies the tutorial's notebooks and documents into the package.

    An editable install reads these files from the repository.
    """

    def _tutorial(self) -> dict[str, Path]:
        into = Path(self.build_lib) / "zetl_helpers" / "tutorial"
        found = (path for pattern in TUTORIAL for path in ROOT.glob(pattern) if path.suffix != ".py")
        return {str(into / path.relative_to(ROOT)): path for path in found if path.is_file()}

    def run(self) -> None:
        """Build the packages, then copy the tutorial's files."""
        super().run()
        for name, source in ({} if self.editable_mode else self._tutorial()).items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, name)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return the paths of the built files."""
        return [*super().get_outputs(include_bytecode), *({} if self.editable_mode else self._tutorial())]


setup(
    packages=[
        *find_packages(include=["local_lakehouse*", "zetl_helpers*"]),
        "zetl_helpers.policies",
        "zetl_helpers.sample_data",
    ],
    package_dir={"zetl_helpers.policies": "policies", "zetl_helpers.sample_data": "sample_data"},
    cmdclass={"build_py": BuildWithTutorial},
)
