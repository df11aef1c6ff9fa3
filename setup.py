"""Everything an installer needs to know; `pyproject.toml` holds the settings of the tools only."""

from pathlib import Path

from setuptools import find_packages, setup

README = Path(__file__).parent / "README.md"

# Each bound is a release that runs with numpy 2 and installs in Python 3.11 to 3.13 without a compiler.
# The release workflow tries all bounds together.
RUNTIME = [
    "acvl-utils>=0.2.3",  # components by cc3d, and their sizes
    "batchgenerators>=0.25.4",  # earlier ones turn labels with 0 outside the image, whatever border_cval_seg is
    "blosc2>=4.14.1",  # the first release that never runs what a file holds (deserialize="safe")
    "connected-components-3d>=3.20",  # up to 3.15 it cannot be imported beside numpy 2
    "isal>=1.7",  # unpacks gzip four to six times as fast as zlib; .nii.gz is most of the reading
    "jinja2>=3.1",
    "matplotlib>=3.9.2",
    "nibabel>=5.3",
    "nilearn>=0.11",
    "numpy>=2.1",
    "openpyxl>=3.1",  # tables of releases of ATLAS
    "pillow>=11.0",  # palettes and alpha channels of pictures
    "pydantic>=2.12.2",  # 2.12.0 warns of plans that crop to another configuration
    "rich>=13.8",
    "safetensors>=0.5",
    "scikit-learn>=1.5.2",
    "scipy>=1.14.1",
    "SimpleITK>=2.5.4",  # earlier ones read a DICOM slice that breaks off, and do not say so
    "torch>=2.6",  # the first release that compiles networks in Python 3.13
    "typer>=0.26",  # the first release with a click of its own: earlier ones break with later ones of click
]

EXTRAS = {
    "dev": [
        "highdicom>=0.24",
        "hypothesis",
        "import-linter>=2.0",
        "mkdocs-material>=9.5",
        "mkdocstrings[python]>=0.30",
        "mypy>=1.15",
        "onnx>=1.18",
        "onnxruntime>=1.20",
        "optuna>=4.0",
        "pre-commit",
        "pydicom>=3.0",  # only in tests
        "pytest>=8.0",
        "pytest-timeout",
        "pytest-xdist",
        "ruff>=0.9",
        "scipy-stubs",
        "tensorboard",
    ],
    "dicom": ["highdicom>=0.24", "pydicom>=3.0"],
    "onnx": ["onnx>=1.18", "onnxruntime>=1.20"],  # the first releases for Python 3.13
    "radiomics": ["mirp>=2.6"],  # features by the definitions of the IBSI; brings itk, 1.5 GB
    "tensorboard": ["tensorboard"],
    "tune": ["optuna>=4.0"],
}

setup(
    name="autoseg-lesion",
    version="0.2.0",
    description="Segmentation of lesions in 3D scans that plans, trains and predicts without configuration",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    license_files=["LICENSE"],
    keywords=["segmentation", "medical imaging", "MRI", "stroke", "lesion", "deep learning"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Image Processing",
        "Topic :: Scientific/Engineering :: Medical Science Apps.",
        "Typing :: Typed",
    ],
    python_requires=">=3.11",
    packages=find_packages(
        include=[
            f"{name}{rest}"
            for name in ("dataset_fingerprints", "planners", "autoseg", "experiments")
            for rest in ("", ".*")
        ]
    ),
    package_data={
        "dataset_fingerprints": ["py.typed", "published/*.json"],
        "planners": ["py.typed"],
        "autoseg": ["py.typed", "reporting/page/templates/*", "pipeline/containers/templates/*"],
        "experiments": ["py.typed", "published/*.csv"],
    },
    install_requires=RUNTIME,
    extras_require=EXTRAS,
    entry_points={
        "console_scripts": ["autoseg = autoseg.cli.entrance:enter"],
        "autoseg.commands": [
            "benchmark = experiments.benchmark_command:app",
            "experiment = experiments.experiment_command:app",
        ],
        "autoseg.planners": [
            "nnunet = experiments.recipes.nnunet:NNUNET",
            "nnunet_resenc_m = experiments.recipes.nnunet:NNUNET_RESENC_M",
            "nnunet_resenc_l = experiments.recipes.nnunet:NNUNET_RESENC_L",
            "nnunet_resenc_xl = experiments.recipes.nnunet:NNUNET_RESENC_XL",
            "keras_unet_cce = experiments.recipes.keras2d:UNET_CCE",
            "keras_unet_dice = experiments.recipes.keras2d:UNET_DICE",
            "keras_unet_cce_dice = experiments.recipes.keras2d:UNET_CCE_DICE",
            "keras_segnet_cce = experiments.recipes.keras2d:SEGNET_CCE",
            "keras_segnet_dice = experiments.recipes.keras2d:SEGNET_DICE",
            "keras_segnet_cce_dice = experiments.recipes.keras2d:SEGNET_CCE_DICE",
            "keras_resunet_cce = experiments.recipes.keras2d:RESUNET_CCE",
            "keras_resunet_dice = experiments.recipes.keras2d:RESUNET_DICE",
            "keras_resunet_cce_dice = experiments.recipes.keras2d:RESUNET_CCE_DICE",
            "tomita2020 = experiments.recipes.tomita2020:TOMITA2020",
            "tomita2020_snapshots = experiments.recipes.tomita2020:TOMITA2020_SNAPSHOTS",
            "tomita2020_zoom_in = experiments.recipes.tomita2020:TOMITA2020_ZOOM_IN",
            "amc_dental = experiments.recipes.amc_dental:AMC_DENTAL",
            "amc_gbm_initial_fine = experiments.recipes.amc_gbm:AMC_GBM",
            "amc_gbm_initial_fine_1 = experiments.recipes.amc_gbm:CROPS_1",
            "amc_gbm_initial_fine_2 = experiments.recipes.amc_gbm:CROPS_2",
            "amc_gbm_initial_fine_4 = experiments.recipes.amc_gbm:CROPS_4",
            "amc_gbm_initial_fine_8 = experiments.recipes.amc_gbm:CROPS_8",
            "amc_gbm_initial_fine_32 = experiments.recipes.amc_gbm:CROPS_32",
            "amc_infarct = experiments.recipes.amc_infarct:AMC_INFARCT",
            "amc_infarct_adc = experiments.recipes.amc_infarct:ADC",
            "amc_infarct_b1000 = experiments.recipes.amc_infarct:B1000",
            "amc_infarct_boundary = experiments.recipes.amc_infarct:BOUNDARY_BOTH",
            "amc_infarct_boundary_adc = experiments.recipes.amc_infarct:BOUNDARY_ADC",
            "amc_infarct_boundary_b1000 = experiments.recipes.amc_infarct:BOUNDARY_B1000",
            "amc_infarct_se = experiments.recipes.amc_infarct:SE_BOTH",
            "amc_infarct_se_adc = experiments.recipes.amc_infarct:SE_ADC",
            "amc_infarct_se_b1000 = experiments.recipes.amc_infarct:SE_B1000",
            "amc_infarct_unet = experiments.recipes.amc_infarct:UNET_BOTH",
            "amc_infarct_unet_adc = experiments.recipes.amc_infarct:UNET_ADC",
            "amc_infarct_unet_b1000 = experiments.recipes.amc_infarct:UNET_B1000",
            "amc_breast = experiments.recipes.amc_breast:AMC_BREAST",
            "amc_breast_3d = experiments.recipes.amc_breast:AMC_BREAST_3D",
            "amc_breast_nnunet_2d = experiments.recipes.amc_breast:AMC_BREAST_NNUNET_2D",
            "amc_breast_nnunet_3d = experiments.recipes.amc_breast:AMC_BREAST_NNUNET_3D",
            "amc_kidney_cascade = experiments.recipes.amc_kidney:AMC_KIDNEY",
            "amc_pancreas_cascade = experiments.recipes.amc_pancreas:AMC_PANCREAS",
            "box_cascade = experiments.recipes.box_cascade:BOX_CASCADE",
            "isles26_topk_filter = experiments.recipes.isles26_topk_filter:ISLES26_TOPK_FILTER",
            "mednext_s = experiments.recipes.isles26_topk_filter:MEDNEXT_S",
            "patch_growing = experiments.recipes.patch_growing:PATCH_GROWING",
            "patch_growing_filled = experiments.recipes.patch_growing:PATCH_GROWING_FILLED",
            "patch_growing_nnunet = experiments.recipes.patch_growing:PATCH_GROWING_NNUNET",
            "mapping2022 = experiments.recipes.mapping2022:MAPPING2022",
            "dild_level_finetune = experiments.recipes.dild_level_finetune:DILD_LEVEL_FINETUNE",
            "hetero_baseline = experiments.recipes.hetero:HETERO_BASELINE",
            "hetero_binary = experiments.recipes.hetero:HETERO_BINARY",
            "hetero_cascade = experiments.recipes.hetero_cascade:HETERO_CASCADE",
            "hetero_specific = experiments.recipes.hetero:HETERO_SPECIFIC",
            "hetero_multiclass = experiments.recipes.hetero_multiclass:HETERO_MULTICLASS",
            "gbm_radiomics = experiments.recipes.gbm_radiomics:GBM_RADIOMICS",
            "smart_labeling_initial = experiments.recipes.smart_labeling:INITIAL",
            "smart_labeling = experiments.recipes.smart_labeling:SMART_LABELING",
        ],
    },
)
