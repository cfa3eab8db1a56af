"""The fixed texts of the dataset card."""

from __future__ import annotations

SUMMARY = """\
# {title}

{about}{images} from {articles}. Each image comes with its caption, the UMLS concepts of the caption, and the
attribution that its licence requires. The dataset was built with roco {version}, which reimplements the pipeline of
ROCOv2 (see [Citation](#citation)).

**{included}**

## Files

| file | content |
|---|---|
| `{{train,valid,test}}_images.zip` | the images as published, in a folder named after the split |
| `{{train,valid,test}}_captions.csv` | `ID,Caption` |
| `{{train,valid,test}}_concepts.csv` | `ID,CUIs`, separated by `;`: modality, body region, direction, then all others |
| `{{train,valid,test}}_concepts_manual.csv` | `ID,CUIs`: concepts assigned by annotators; empty where there are none |
| `cui_mapping.csv` | `{names}` of every concept in use |
| `license_information.csv` | `{licenses}` of every image |
| `attribution.csv` | title, authors, journal, licence with its URL, copyright and source of every image |
| `figures.parquet` | all metadata, one row per image; `id` and `sha256` identify the file in the zips |
| `removed.parquet` | rejected figures: origin, stage and reason, without any text of the articles |
| `duplicates.parquet` | groups of duplicates and near-duplicates, with hashes and distances |
| `tombstones.csv` | retired ids of previous releases, with the reason |
| `leakage.json` | number of articles, groups and captions with images in more than one split |
| `DATASHEET.md`, `CITATION.cff`, `metadata.json` | datasheet; how to cite; title, creators and contact |
| `funnel.json` | number of figures that entered each stage, were kept, and were dropped by reason |
| `checksums.sha256` | check with `sha256sum --check checksums.sha256` |

All tables are UTF-8. The `ID` of an image is its file name without extension. `roco verify` checks the whole folder.

```python
import roco

release = roco.Release.open("path/to/this/folder")
table = release.table("train")                  # one row per image
for id, data in release.images("train"):        # original bytes
    ...
```

`datasets` reads the CSV tables: `captions` by default, and `concepts`, `concepts_manual`, `cui_mapping`,
`license_information` and `attribution` by name. It calls the split `valid` `validation`. It does not read the
images from the zips; `release.image(row["ID"])` returns the image of a row.

```python
from datasets import load_dataset

captions = load_dataset("path/to/this/folder")              # ID, Caption
concepts = load_dataset("path/to/this/folder", "concepts")  # ID, CUIs
```
"""

LIMITATIONS = """\
## Limitations

- Articles reflect what gets published, not clinical practice: rare findings and some modalities are over-represented,
  and images may have a lower quality than in the journal.
- Captions are as published. They may name the wrong modality, omit body region or projection, or belong to another
  image.
- Concepts were extracted automatically unless they are in `concepts_manual`. A caption may mention what its image does
  not show. The column `mentions` of figures.parquet contains their words, and marks negated and uncertain ones.
- The paper split ROCOv2 by image. Scores on its splits are not comparable with scores on splits by article.
- The images were not screened for burned-in text, unless figures.parquet has the column `screening`. If an image
  identifies a patient, do not use it, and report it to the publisher of this dataset.
- The dataset is intended for research, not for diagnosis.

## License

Each image and its caption keep the licence of their article: {licenses}.{commercial} `license_information.csv` gives
licence and attribution of each image. The images are unmodified. Captions were normalised (white space, web addresses,
LaTeX copies); the column `caption_raw` contains them as published.{note}

## Citation

Cite the articles of the images you show, as given in `license_information.csv`, and the paper on ROCOv2:

> Rückert J, Bloch L, Brüngel R, et al. ROCOv2: Radiology Objects in COntext Version 2, an Updated Multimodal Image
> Dataset. Scientific Data 11, 688 (2024). https://doi.org/10.1038/s41597-024-03496-6
"""

NON_COMMERCIAL = " Images under an NC licence, and therefore the dataset as a whole, must not be used commercially."
