# roco with its development tools; the build runs the fast tests. docker build -t roco . && docker run --rm -it roco bash
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends bash ca-certificates default-jre-headless gcc g++ git make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home roco

USER roco
WORKDIR /home/roco/roco
COPY --chown=roco:roco pyproject.toml README.md LICENSE Makefile ./
COPY --chown=roco:roco roco roco
RUN make .venv/.dev

COPY --chown=roco:roco . .
RUN make test JOBS="$(nproc)"

ENV PATH="/home/roco/roco/.venv/bin:$PATH"
CMD ["roco", "--help"]
