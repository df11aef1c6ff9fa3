# autoseg on an NVIDIA GPU; the driver is the host's, the libraries come with torch. Build the wheel first, then the image:
#   python -m pip wheel --no-deps --wheel-dir dist .
#   docker build -f docker/cuda.Dockerfile -t autoseg:cuda .
#   docker run --rm --gpus all -v "$PWD":/data -w /data autoseg:cuda predict scans -m model.zip -o masks
FROM python:3.12-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cu128
ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    MPLCONFIGDIR=/tmp/matplotlib
COPY constraints.txt dist/autoseg_lesion-*.whl /opt/autoseg/
RUN python -m pip install --index-url "${TORCH_INDEX}" --constraint /opt/autoseg/constraints.txt torch \
    && python -m pip install --constraint /opt/autoseg/constraints.txt /opt/autoseg/autoseg_lesion-*.whl
RUN useradd --create-home --uid 1000 autoseg
USER autoseg
WORKDIR /home/autoseg
STOPSIGNAL SIGTERM
ENTRYPOINT ["autoseg"]
