"""Reads JATS XML: `article.parse` returns an `Article` with its `figures`, each a `Figure`.

The way of a caption from the XML to `train_captions.csv`:

1. `sources/package.py` (or `cloud.py`, `folder.py`) lists the articles and opens each package;
   the engine (`core/store.py`) reads the bytes of its XML into the column `xml`.
2. `stages/extract.py` calls `stages/extract_rows.read`, which calls `article.parse` here.
3. `article.parse` calls `tree.read_xml`, and `figures.figures_of` for the figures.
4. `figures.figures_of` calls `captions.caption_of`, which chooses the language and flattens the <caption> with
   `text.caption_text_of`; in an article in another language it calls it for the figure of the English translation,
   which `translations.Translation` finds. `text.plain_caption` normalises the text: the fields `caption_raw` and
   `caption` of `Figure`.
5. `stages/extract_rows.figure_rows` writes both into the row of the figure, which the engine stores in
   `measures/extract-DIGEST/PART.parquet`. Later stages decide whether it is kept; `stages/caption.py` and
   `stages/language.py` are those that read `caption`.
6. `stages/publish/release.py` asks for the kept rows (`core/figures.Figures.gather` reads the stored captions)
   and writes `caption` to `SPLIT_captions.csv`.
"""
