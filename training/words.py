"""Made-up words for the texts of drawn figures: axes, groups, genes, sentences."""

from __future__ import annotations

import numpy as np

# fmt: off
QUANTITIES = [
    "Time (days)", "Time (min)", "Age (years)", "Concentration (µM)", "Dose (mg/kg)", "Expression (a.u.)", "Score",
    "Survival probability", "Sensitivity", "1 - Specificity", "Frequency (Hz)", "Amplitude (mV)", "Distance (mm)",
    "Signal intensity", "Temperature (°C)", "Absorbance", "Relative abundance (%)", "Cell viability (%)", "Count",
    "Volume (cm³)", "log2 fold change", "-log10(p)", "BMI (kg/m²)", "Systolic pressure (mmHg)", "Velocity (cm/s)",
    "Fluorescence", "OD600", "Weight (g)", "Patients (n)", "Depth (m)", "pH", "Hounsfield units", "SUVmax",
    "T2* (ms)",
]
GROUPS = [
    "Control", "Treated", "Placebo", "WT", "KO", "Sham", "Group A", "Group B", "Baseline", "Week 12", "Low", "High",
    "Male", "Female", "CT", "MRI", "PET", "Ultrasound", "Day 0", "Day 7", "siRNA", "Vehicle", "Healthy", "Patients",
    "Model 1", "Model 2", "2019", "2020", "2021", "Site 1", "Site 2", "Grade I", "Grade II", "Grade III",
]
GENES = [
    "TP53", "BRCA1", "EGFR", "MYC", "KRAS", "IL6", "TNF", "CD4", "CD8A", "FOXP3", "VEGFA", "GAPDH", "ACTB", "AKT1",
]
TERMS = [
    "records identified", "screened", "excluded", "eligible", "randomised", "lost to follow-up", "analysed",
    "feature extraction", "convolution", "segmentation", "registration", "training set", "validation",
    "intervention", "input layer", "data cleaning", "patients with CT", "questionnaire", "biopsy", "outcome",
    "risk factor", "gene expression", "signalling", "inhibitor", "receptor", "apoptosis", "cell cycle",
    "inflammation", "exposure", "hospital admission", "discharge", "consent",
]
PLAIN = [
    "the", "of", "and", "to", "in", "with", "was", "were", "for", "by", "from", "patients", "study", "results",
    "after", "before", "between", "significant", "increase", "decrease", "showed", "lesion", "tissue", "analysis",
    "model", "method", "treatment", "group", "data", "mean", "value", "response", "cells", "level", "rate", "risk",
    "clinical", "imaging", "scan", "volume", "left", "right", "normal", "measured", "observed", "compared",
    "higher", "lower", "effect", "sample", "baseline", "follow-up",
]
# fmt: on


def some(rng: np.random.Generator, words: list[str], n: int) -> list[str]:
    """Chooses n words, different ones as long as there are enough."""
    return [words[int(i)] for i in rng.choice(len(words), n, replace=n > len(words))]


def one(rng: np.random.Generator, words: list[str]) -> str:
    """Chooses a word."""
    return words[int(rng.integers(len(words)))]


def sentence(rng: np.random.Generator, low: int = 4, high: int = 14) -> str:
    """A sentence of common words without meaning."""
    text = " ".join(some(rng, PLAIN, int(rng.integers(low, high + 1))))
    return text[0].upper() + text[1:] + "."
