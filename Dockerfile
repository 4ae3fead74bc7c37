# gridmap with everything but Spark and Ray: fonts for Chinese in other programs' files, no compiler; the PDF needs nothing of the system.
#   docker build -t gridmap .
#   docker run --rm -v "$PWD:/work" gridmap run pipeline.yaml --out out
FROM debian:12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        python3 python3-venv fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/gridmap
COPY requirements-image.lock pyproject.toml README.md LICENSE ./
COPY gridmap ./gridmap
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements-image.lock \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && useradd --create-home gridmap
USER gridmap
WORKDIR /work
ENTRYPOINT ["/opt/venv/bin/gridmap"]
CMD ["--help"]
