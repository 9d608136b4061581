"""What the tests of figures share."""

from matplotlib.text import Text


def assert_words_stand_apart(make, monkeypatch, least=10):
    """Draw the sheet that `make` returns; none of its words may leave it or lie on others."""
    drawn = []
    draw = Text.draw

    def record(self, renderer):
        draw(self, renderer)
        if self.get_visible() and self.get_text().strip():
            drawn.append((self.get_text(), self.get_window_extent(renderer)))

    monkeypatch.setattr(Text, "draw", record)
    figure = make()
    figure.canvas.draw()
    sheet = figure.bbox
    assert len(drawn) > least
    for i, (text, box) in enumerate(drawn):
        inside = sheet.x0 <= box.x0 and box.x1 <= sheet.x1
        assert inside and sheet.y0 <= box.y0 and box.y1 <= sheet.y1, f"{text!r} leaves the sheet"
        for other, its in drawn[:i]:
            beside = box.x1 <= its.x0 + 1 or its.x1 <= box.x0 + 1
            above = box.y1 <= its.y0 + 4 or its.y1 <= box.y0 + 4  # Boxes include descenders.
            assert beside or above, f"{text!r} lies on {other!r}"
