# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# pragma optimize codesize
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Certificates: licenses as documents and pictures
@license GNU Affero General Public License v3.0 only
@notice See `interfaces/ICertificates.vyi`.
"""

from .interfaces import ICertificates
from .modules import texts


implements: ICertificates


interface Market:
    def license_of(license: uint256) -> (address, uint40, uint40, uint8, bytes32): view
    def offer_status(offer_id: bytes32) -> (bool, uint32, uint40, uint16, uint16, uint16, uint16, uint32, uint32, uint8, uint8): view


FOREVER: constant(uint40) = max_value(uint40)
WHOLE: constant(uint32) = max_value(uint32)
SALE_MASK: constant(uint256) = 2**32 - 1
LOCKED: constant(uint8) = 1
ENDED: constant(uint8) = 2
EXCLUSIVE: constant(uint8) = 4
ONE_MODEL: constant(uint8) = 8

# What a license says in one number: usages, aspects and forbids side by side.
ASPECTS_AT: constant(uint256) = 8
FORBIDS_AT: constant(uint256) = 17


struct License:
    number: uint256
    holder: address
    issued_at: uint40
    expires_at: uint40
    flags: uint8
    source: bytes32  # offer or dataset


struct Terms:
    mask: uint256
    start_ms: uint32
    end_ms: uint32
    share_bps: uint16
    after_term: uint8
    flags: uint8


# ---- views --------------------------------------------------------------------------------------------


@external
@view
def license_uri(market: address, license: uint256) -> String[16384]:
    item: License = self._license(market, license)
    terms: Terms = self._terms(market, item.source)
    share: String[16] = concat(uint2str(terms.share_bps // 100), ".", texts._digits(convert(terms.share_bps, uint256), 2), " %")
    scene: String[40] = self._scene(terms.start_ms, terms.end_ms)
    after: String[40] = self._after(terms.after_term)
    kind: String[40] = self._kind(terms.flags)
    picture: Bytes[6144] = convert(
        concat(
            self._head(market, item, "LICENSE", "Offer"),
            self._line(252, "Scene", scene),
            self._line(272, "Revenue share", share),
            self._line(292, "After the term", after),
            self._line(312, "Kind", kind),
            "<text x='40' y='350' class='h'>MAY BE USED TO</text><text x='260' y='350' class='h'>THIS OF THE WORK</text>",
            "<text x='452' y='350' class='h'>NEVER, WHATEVER ELSE</text>",
            self._eight_rows(terms.mask, 0),
            self._eight_rows(terms.mask, 8),
            self._eight_rows(terms.mask, 16),
            "<text x='40' y='606' class='s'>What is not permitted here is not permitted. The offer named above and its terms document prevail.</text><text x='40' y='622' class='s'>Exclusive: no later overlapping license is sold by this market; earlier ones remain.</text>",
            "<text x='40' y='638' class='s'>A registered work is a claim, not a title.</text></svg>",
        ),
        Bytes[6144],
    )
    return self._document(
        market,
        item,
        "license",
        "Permission to use one video for AI. What its attributes do not permit is not permitted; the offer and its terms document prevail. Exclusive means that no later overlapping license is sold by this market; earlier ones remain. A registered work is a claim, not a title.",
        concat(
            self._trait("Offer", concat("0x", texts._hex32(convert(item.source, uint256)))),
            self._trait("Scene", scene),
            self._trait("Revenue share", share),
            self._trait("After the term", after),
            self._trait("Kind", kind),
            self._eight_permissions(terms.mask, 0),
            self._eight_permissions(terms.mask, 8),
            self._eight_permissions(terms.mask, 16),
        ),
        picture,
    )


@external
@view
def dataset_uri(market: address, license: uint256) -> String[16384]:
    item: License = self._license(market, license)
    picture: Bytes[6144] = convert(
        concat(
            self._head(market, item, "DATASET LICENSE", "Dataset"),
            "<text x='40' y='276'>Covers every work that was in the dataset when this license was sold.</text><text x='40' y='298'>The market answers for each of them: covers(license, offer, spell).</text><text x='40' y='320'>Usages, aspects and terms are the dataset&apos;s; they never change.</text>",
            "<text x='40' y='606' class='s'>What the dataset does not permit is not permitted. Its terms document prevails.</text><text x='40' y='622' class='s'>A registered work is a claim, not a title.</text></svg>",
        ),
        Bytes[6144],
    )
    return self._document(
        market,
        item,
        "dataset license",
        "Permission to use every video that was in a dataset when this license was sold, as the dataset and its terms document say. The market answers which: covers(license, offer, spell). A registered work is a claim, not a title.",
        self._trait("Dataset", concat("0x", texts._hex32(convert(item.source, uint256)))),
        picture,
    )


# ---- internal: what the market says -------------------------------------------------------------------


@internal
@view
def _license(market: address, number: uint256) -> License:
    item: License = empty(License)
    item.number = number
    (item.holder, item.issued_at, item.expires_at, item.flags, item.source) = staticcall Market(market).license_of(number)
    return item


@internal
@view
def _terms(market: address, offer_id: bytes32) -> Terms:
    live: bool = False
    sold: uint32 = 0
    posted_at: uint40 = 0
    usages: uint16 = 0
    aspects: uint16 = 0
    forbids: uint16 = 0
    terms: Terms = empty(Terms)
    (live, sold, posted_at, usages, aspects, forbids, terms.share_bps, terms.start_ms, terms.end_ms, terms.after_term, terms.flags) = staticcall Market(market).offer_status(offer_id)
    terms.mask = (
        convert(usages & 255, uint256)
        | (convert(aspects & 511, uint256) << ASPECTS_AT)
        | (convert(forbids & 127, uint256) << FORBIDS_AT)
    )
    return terms


@internal
@view
def _state(item: License) -> String[20]:
    if item.flags & ENDED != 0:
        return "ended by a ruling"
    if item.expires_at != FOREVER and block.timestamp >= convert(item.expires_at, uint256):
        return "expired"
    return "in force"


# ---- internal: words ----------------------------------------------------------------------------------


@internal
@pure
def _label(i: uint256) -> String[24]:
    """
    @dev In the order of the bits in `Terms.mask`.
    """
    text: String[24] = "Biometric identification"
    if i == 0:
        text = "Train"
    elif i == 1:
        text = "Fine-tune"
    elif i == 2:
        text = "Feed to a model"
    elif i == 3:
        text = "Evaluate"
    elif i == 4:
        text = "Index"
    elif i == 5:
        text = "Generate, commercial"
    elif i == 6:
        text = "Generate, non-commercial"
    elif i == 7:
        text = "Adapt"
    elif i == 8:
        text = "Footage"
    elif i == 9:
        text = "Choreography"
    elif i == 10:
        text = "Performance"
    elif i == 11:
        text = "Visual style"
    elif i == 12:
        text = "Cinematography"
    elif i == 13:
        text = "Character design"
    elif i == 14:
        text = "Editing"
    elif i == 15:
        text = "Cultural elements"
    elif i == 16:
        text = "Sound"
    elif i == 17:
        text = "Likeness or voice"
    elif i == 18:
        text = "Recreate scenes"
    elif i == 19:
        text = "Replicate characters"
    elif i == 20:
        text = "Names in prompts"
    elif i == 21:
        text = "Open weights"
    elif i == 22:
        text = "Resell output as data"
    return text


@internal
@pure
def _kind(flags: uint8) -> String[40]:
    kind: String[13] = "non-exclusive"
    if flags & EXCLUSIVE != 0:
        kind = "exclusive"
    if flags & ONE_MODEL != 0:
        return concat(kind, ", for one model")
    return kind


@internal
@pure
def _after(code: uint8) -> String[40]:
    if code == 1:
        return "models survive"
    if code == 2:
        return "no new outputs after a grace period"
    if code == 3:
        return "models are retired"
    return "see the terms document"


@internal
@pure
def _scene(start_ms: uint32, end_ms: uint32) -> String[40]:
    if start_ms == 0 and end_ms == WHOLE:
        return "the whole work"
    return concat(self._seconds(start_ms), " to ", self._seconds(end_ms), " s")


@internal
@pure
def _seconds(ms: uint32) -> String[16]:
    return concat(uint2str(ms // 1_000), ".", texts._digits(convert(ms, uint256), 3))


@internal
@pure
def _until(expires_at: uint40) -> String[38]:
    if expires_at == FOREVER:
        return "never"
    return texts._minute(convert(expires_at, uint256))


@internal
@pure
def _sale(number: uint256) -> String[10]:
    return uint2str(convert(number & SALE_MASK, uint32))


@internal
@view
def _where(market: address) -> String[142]:
    # CAIP-10
    return concat("eip155:", uint2str(chain.id), ":", texts._hex20(market))


# ---- internal: the picture ----------------------------------------------------------------------------


@internal
@view
def _head(market: address, item: License, title: String[15], source: String[7]) -> String[2400]:
    return concat(
        "<svg xmlns='http://www.w3.org/2000/svg' width='660' height='660' viewBox='0 0 660 660' font-family='Helvetica,Arial,sans-serif' font-size='13' fill='#1b1b2f'><style>.h{font-size:10px;letter-spacing:1px;fill:#6b6b7b}.s{font-size:10px;fill:#6b6b7b}.m{font-family:monospace;font-size:11px}.n{fill:#8d8d9a}.y{font-weight:bold}.y,.n{font-size:12px}</style><rect width='660' height='660' fill='#fffdf8'/><rect x='12' y='12' width='636' height='636' fill='none' stroke='#1b1b2f'/>",
        "<text x='40' y='62' font-size='24' letter-spacing='3'>",
        title,
        "</text><text x='40' y='84' class='h'>IPTO</text><text x='620' y='62' text-anchor='end' class='y'>",
        self._state(item),
        "</text>",
        self._line(112, "License", texts._hex32(item.number)),
        self._line(132, source, texts._hex32(convert(item.source, uint256))),
        self._line(152, "Sale", self._sale(item.number)),
        self._line(172, "Market", self._where(market)),
        self._line(192, "Holder", texts._hex20(item.holder)),
        self._line(212, "Issued", texts._minute(convert(item.issued_at, uint256))),
        self._line(232, "Expires", self._until(item.expires_at)),
    )


@internal
@pure
def _line(y: uint16, name: String[16], text: String[142]) -> String[240]:
    return concat("<text x='40' y='", uint2str(y), "' class='h'>", name, "</text><text x='140' y='", uint2str(y), "' class='m'>", text, "</text>")


@internal
@pure
def _row(mask: uint256, i: uint256) -> String[96]:
    is_set: bool = (mask >> i) & 1 != 0
    x: uint16 = 40
    first: uint256 = 0
    mark: String[8] = "&#10003;"
    if i >= FORBIDS_AT:
        x = 452
        first = FORBIDS_AT
        mark = "&#10005;"
    elif i >= ASPECTS_AT:
        x = 260
        first = ASPECTS_AT
    y: uint16 = convert(374 + 24 * (i - first), uint16)
    return concat(
        "<text x='",
        uint2str(x),
        "' y='",
        uint2str(y),
        "' class='",
        "y" if is_set else "n",
        "'>",
        mark if is_set else "&#8211;",
        " ",
        self._label(i),
        "</text>",
    )


@internal
@pure
def _eight_rows(mask: uint256, first: uint256) -> String[768]:
    return concat(
        self._row(mask, first),
        self._row(mask, first + 1),
        self._row(mask, first + 2),
        self._row(mask, first + 3),
        self._row(mask, first + 4),
        self._row(mask, first + 5),
        self._row(mask, first + 6),
        self._row(mask, first + 7),
    )


# ---- internal: the document ---------------------------------------------------------------------------


@internal
@pure
def _trait(name: String[16], text: String[142]) -> String[200]:
    return concat(',{"trait_type":"', name, '","value":"', text, '"}')


@internal
@pure
def _permission(mask: uint256, i: uint256) -> String[68]:
    if (mask >> i) & 1 == 0:
        return ""
    name: String[6] = "Usage"
    if i >= FORBIDS_AT:
        name = "Never"
    elif i >= ASPECTS_AT:
        name = "Aspect"
    return concat(',{"trait_type":"', name, '","value":"', self._label(i), '"}')


@internal
@pure
def _eight_permissions(mask: uint256, first: uint256) -> String[544]:
    return concat(
        self._permission(mask, first),
        self._permission(mask, first + 1),
        self._permission(mask, first + 2),
        self._permission(mask, first + 3),
        self._permission(mask, first + 4),
        self._permission(mask, first + 5),
        self._permission(mask, first + 6),
        self._permission(mask, first + 7),
    )


@internal
@view
def _document(market: address, item: License, kind: String[15], description: String[300], traits: String[2700], picture: Bytes[6144]) -> String[16384]:
    expiry: String[200] = self._trait("Expires", "never")
    if item.expires_at != FOREVER:
        expiry = concat(',{"trait_type":"Expires","display_type":"date","value":', uint2str(item.expires_at), "}")
    return concat(
        "data:application/json;base64,",
        texts._base64(
            convert(
                concat(
                    '{"name":"IPTO ',
                    kind,
                    " ",
                    slice(texts._hex32(item.number), 0, 8),
                    "-",
                    self._sale(item.number),
                    '","description":"',
                    description,
                    '","image":"data:image/svg+xml;base64,',
                    texts._base64(picture),
                    '","attributes":[{"trait_type":"Status","value":"',
                    self._state(item),
                    '"}',
                    self._trait("Market", self._where(market)),
                    self._trait("Holder", texts._hex20(item.holder)),
                    self._trait("Sale", self._sale(item.number)),
                    concat(',{"trait_type":"Issued","display_type":"date","value":', uint2str(item.issued_at), "}"),
                    expiry,
                    self._trait("Transferable", "no" if item.flags & LOCKED != 0 else "yes"),
                    traits,
                    "]}",
                ),
                Bytes[11520],
            )
        ),
    )
