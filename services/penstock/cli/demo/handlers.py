"""The work of the demo: small, real, and the same for the same data every time."""

from __future__ import annotations

import unicodedata
from collections import Counter
from hashlib import sha256
from typing import Any, Final

from penstock.sdk import TaskContext, TaskFailed, task

JUNK: Final = frozenset("▒░▓█¤§¬¦")
READABLE: Final = 0.75
KINDS: Final = {
    "invoice": ("invoice", "rechnung", "facture", "total", "payment", "vat", "eur", "betrag", "montant"),
    "contract": ("agreement", "vertrag", "contrat", "party", "parties", "parteien", "liability", "terminate", "notice"),
    "letter": ("dear", "regards", "grüßen", "salutations", "letter", "schreiben", "lettre", "enclosed"),
    "report": ("report", "bericht", "inspection", "measured", "analysis", "results", "table", "output"),
    "minutes": ("minutes", "protokoll", "meeting", "action", "board", "beschluss", "present", "sitzung"),
}
FORMATS: Final = frozenset({"pdf", "docx", "txt", "html", "tiff", "png", "jpeg"})
_STOP = "the of and to in for is a der die das und la le les de et que im von with was by we be"
STOP: Final = frozenset(_STOP.split())


@task("price-order")
def price_order(lines: list[dict[str, Any]], discount_percent: float) -> dict[str, Any]:
    """The amount in EUR. Cents are whole numbers until the end; half a cent goes up."""
    if not lines:
        raise TaskFailed("EMPTY_ORDER", "expected at least one line, but the order has none", retryable=False)
    if any(line["quantity"] <= 0 for line in lines):
        raise TaskFailed("BAD_QUANTITY", "expected quantities above 0, but a line has less", retryable=False)
    if not 0 <= discount_percent <= 50:
        message = f"expected a discount of 0 to 50 %, but got {discount_percent}"
        raise TaskFailed("BAD_DISCOUNT", message, retryable=False)
    gross = sum(line["quantity"] * line["unit_cents"] for line in lines)
    net = (gross * (1000 - round(discount_percent * 10)) + 500) // 1000
    return {"amount": net / 100, "lines": len(lines)}


@task("check-credit")
def check_credit(customer: dict[str, Any], amount: float) -> dict[str, Any]:
    """A score from 0 to 99 that depends on the customer alone, and how much the limit that goes with it leaves."""
    score = sha256(customer["number"].encode()).digest()[0] * 100 // 256
    limits = {range(10): 500, range(10, 30): 8_000, range(30, 70): 60_000, range(70, 100): 500_000}
    limit = next(limit for scores, limit in limits.items() if score in scores)
    return {"score": score, "limit": limit, "left": round(limit - amount, 2)}


@task("approve-order")
def approve_order(role: str, amount: float, score: int) -> dict[str, Any]:
    """What a manager or the board would say: the larger the order, the better the score has to be."""
    needed = min(90, 10 + int(amount // 1_000)) if role == "board" else 20 + int(amount // 500)
    if score >= needed:
        return {"approved": True, "reason": f"score {score} is enough for {amount:,.2f}"}
    return {"approved": False, "reason": f"score {score} is below {needed}"}


@task("notify-customer")
def notify_customer(customer: dict[str, Any], order_id: str, approved: bool, reason: str) -> dict[str, Any]:
    """The letter that would be sent, and its digest."""
    name = unicodedata.normalize("NFC", customer["name"])
    verdict = "has been approved" if approved else f"could not be approved: {reason}"
    letter = f"{name},\nyour order {order_id} {verdict}."
    return {"letter": letter, "digest": sha256(letter.encode()).hexdigest()[:16]}


@task("receive-document")
def receive_document(format: str, pages: list[str]) -> dict[str, Any]:  # noqa: A002 - a word of documents
    if format not in FORMATS:
        raise TaskFailed("FORMAT_UNKNOWN", f"expected a document, but got .{format}", retryable=False)
    digest = sha256("\f".join(pages).encode()).hexdigest()
    return {"digest": digest, "pages": len(pages)}


@task("read-text")
def read_text(document_id: str, pages: list[str]) -> dict[str, Any]:
    """The text without what a scanner left in it; too little of it is a failure that no repeat can mend."""
    raw = unicodedata.normalize("NFC", "\n".join(pages))
    marks = [c for c in raw if not c.isspace()]
    readable = sum(c not in JUNK for c in marks) / len(marks) if marks else 0.0
    if readable < READABLE:
        message = f"expected at least {READABLE:.0%} of {document_id} to be legible, but {readable:.0%} is"
        raise TaskFailed("UNREADABLE", message, retryable=False)
    text = "".join(c for c in raw if c not in JUNK)
    return {"text": text, "words": len(_words(text)), "readable": round(readable, 3)}


@task("classify-document")
def classify_document(title: str, pages: list[str]) -> dict[str, Any]:
    """The kind whose words are found most often; those of the title count five times."""
    found = Counter(_words(" ".join(pages))) + Counter(_words(title) * 5)
    scores = {kind: sum(found[word] for word in words) for kind, words in KINDS.items()}
    best = max(scores, key=lambda kind: (scores[kind], kind))
    total = sum(scores.values())
    return {"kind": best if total else "other", "confidence": round(scores[best] / total, 3) if total else 0.0}


@task("make-thumbnail")
def make_thumbnail(digest: str) -> dict[str, Any]:
    """Eight rows of eight dots, mirrored as an identicon is."""
    rows = [byte >> 4 for byte in bytes.fromhex(digest)[:8]]
    picture = ["".join("█" if row >> bit & 1 else " " for bit in (3, 2, 1, 0, 0, 1, 2, 3)) for row in rows]
    return {"thumbnail": "\n".join(picture)}


@task("index-document")
def index_document(text: str, kind: str) -> dict[str, Any]:
    """The words under which the document is filed: the most frequent ones that say something."""
    words = Counter(word for word in _words(text) if len(word) > 2 and word not in STOP)
    best = sorted(words, key=lambda word: (-words[word], word))[:8]
    return {"terms": best, "distinct": len(words), "shelf": f"{kind}/{(best or ['-'])[0][:1]}"}


@task("run-tests")
def run_tests(tests: int, failed_tests: int) -> dict[str, Any]:
    if failed_tests:
        message = f"{failed_tests} of {tests} tests failed"
        raise TaskFailed("TESTS_FAILED", message, retryable=False)
    return {"passed": tests}


@task("deploy-release")
def deploy_release(service: str, version: str, target: str) -> dict[str, Any]:
    name = f"{service}-{version}"
    return {"artefact": f"{target}/{name}@{sha256(name.encode()).hexdigest()[:12]}"}


@task("check-health")
def check_health(
    service: str, warm_up_checks: int, error_percent: float, latency_ms: int, context: TaskContext
) -> dict[str, Any]:
    """Not ready for the first checks, as it is with real services; the retry policy asks again."""
    if context.attempt <= warm_up_checks:
        raise TaskFailed("NOT_READY", f"{service} is still warming up")
    findings = []
    if error_percent > 1:
        findings.append(f"{error_percent} % of the requests fail")
    if latency_ms > 400:
        findings.append(f"it takes {latency_ms} ms to answer")
    return {"healthy": not findings, "findings": findings}


@task("roll-back-release")
def roll_back_release(version: str, findings: list[str]) -> dict[str, Any]:
    major, minor, patch = (int(part) for part in version.split("."))
    before = (major, minor, patch - 1) if patch else (major, max(minor - 1, 0), 0)
    return {"restored": ".".join(map(str, before)), "because": findings}


def _words(text: str) -> list[str]:
    """In small letters, without what stands around them. Symbols of one character are words too."""
    stripped = (word.strip(".,;:!?()\"'“”«»–-/") for word in unicodedata.normalize("NFC", text).casefold().split())
    return [word for word in stripped if word]
