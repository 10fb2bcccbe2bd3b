# SPDX-License-Identifier: Apache-2.0
"""What each code means in a sentence a creator can read. `docs/semantics.md` is the full, normative text."""

from __future__ import annotations

from ipto.structs import AfterTerm, Aspect, Forbid, Unit, Usage

# "May …"
USAGE: dict[Usage, str] = {
    Usage.TRAIN: "train a model from the ground up, or continue its general training, on it",
    Usage.FINE_TUNE: "adapt an existing model to it (fine-tuning)",
    Usage.AI_INPUT: "give it to a model as input while it runs: prompting, retrieval, reference (inference)",
    Usage.EVALUATE: "measure models with it, keeping nothing learned",
    Usage.INDEX: "list and search it by fingerprints, embeddings and thumbnails",
    Usage.GENERATE_COMMERCIAL: "publish and earn from AI output in which it can be recognised",
    Usage.GENERATE_NONCOMMERCIAL: "publish, without earning from it, AI output in which it can be recognised",
    Usage.ADAPT: "make a new work out of it, with or without AI",
}

# "This covers …"
ASPECT: dict[Aspect, str] = {
    Aspect.FOOTAGE: "the pictures themselves",
    Aspect.CHOREOGRAPHY: "the sequence of movements",
    Aspect.PERFORMANCE: "the way it is performed",
    Aspect.VISUAL_STYLE: "the visual style",
    Aspect.CINEMATOGRAPHY: "camera and lighting",
    Aspect.CHARACTER_DESIGN: "the design of characters",
    Aspect.EDITING: "cut and rhythm",
    Aspect.CULTURAL_ELEMENTS: "the cultural elements its notice names",
    Aspect.SOUND: "the sound",
}

# "Never: …"
FORBID: dict[Forbid, str] = {
    Forbid.LIKENESS_OR_VOICE: "reproducing the face, body or voice of a person in it",
    Forbid.SCENE_RECREATION: "recreating its scenes",
    Forbid.CHARACTER_REPLICA: "reproducing its characters",
    Forbid.NAME_IN_PROMPT: "offering the names of its makers or its title as prompts",
    Forbid.OPEN_WEIGHTS: "giving away the weights of a model that learned from it",
    Forbid.RESALE_OF_OUTPUT_AS_DATA: "selling AI output made with it as training data",
    Forbid.BIOMETRIC_IDENTIFICATION: "identifying people in it",
}

AFTER_TERM: dict[AfterTerm, str] = {
    AfterTerm.MODEL_SURVIVES: "models that learned from it may go on; no new training",
    AfterTerm.SUNSET: "models that learned from it make no new output once a grace period of 90 days is over",
    AfterTerm.RETIRE: "models that learned from it are taken out of use within 30 days",
}

UNIT: dict[Unit, str] = {
    Unit.NONE: "nothing",
    Unit.DELIVERED_SECOND: "second of video delivered",
    Unit.TRAINED_SECOND: "second of video trained on, each pass counted",
    Unit.CLIP: "clip used",
    Unit.OUTPUT_SECOND: "second of output generated",
    Unit.CALL: "call to the model",
}
