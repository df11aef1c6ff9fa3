# autoseg on an NVIDIA GPU; the driver is the host's, the libraries come with torch. Build the wheel first, then the image:
#   rm -rf build dist && python -m pip wheel --no-deps --wheel-dir dist .
#   docker build -f docker/cuda.Dockerfile -t autoseg:cuda .
#   docker run --rm --gpus all -v "$PWD":/data -w /data autoseg:cuda predict scans -m model.zip -o masks
# The image's user has the number 1000 and must be able to write into the folder.
# CUDA 12.6 runs on drivers from 525 on, but on no Blackwell card (RTX 50, B200). For these, with a driver from 580 on:
#   docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 -f docker/cuda.Dockerfile -t autoseg:cuda .
FROM python:3.12-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cu126
ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    MPLCONFIGDIR=/tmp/matplotlib
COPY constraints.txt /opt/autoseg/
# Of the pins torch's alone: its index does not have all versions of what torch needs.
RUN python -m pip install --index-url "${TORCH_INDEX}" "$(grep '^torch==' /opt/autoseg/constraints.txt)"
# Below torch, so that a new wheel does not fetch it again.
COPY dist/autoseg_lesion-*.whl /opt/autoseg/
RUN python -m pip install --constraint /opt/autoseg/constraints.txt /opt/autoseg/autoseg_lesion-*.whl
RUN useradd --create-home --uid 1000 autoseg
USER autoseg
WORKDIR /home/autoseg
STOPSIGNAL SIGTERM
ENTRYPOINT ["autoseg"]
