"""The smallest workbooks that programs would open."""

import zipfile


def sheet_xml(rows):
    """A sheet of .xlsx whose cells are texts, numbers and booleans."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = ""
        for column, value in zip("ABCDEF", row, strict=False):
            if isinstance(value, bool):
                cells += f'<c r="{column}{number}" t="b"><v>{int(value)}</v></c>'
            elif isinstance(value, float | int):
                cells += f'<c r="{column}{number}"><v>{value}</v></c>'
            elif value:
                cells += f'<c r="{column}{number}" t="inlineStr"><is><t>{value}</t></is></c>'
        lines.append(f'<row r="{number}">{cells}</row>')
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{main}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def write_xlsx(path, sheets):
    """The smallest workbook with these sheets (name -> rows) that Excel would open."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    listing = "".join(f'<sheet name="{name}" sheetId="{i}" r:id="rId{i}"/>' for i, name in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{office}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    book = f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{listing}</sheets></workbook>'
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"/>')
        file.writestr("_rels/.rels", f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
                      f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>')  # fmt: skip
        file.writestr("xl/workbook.xml", book)
        file.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}/relationships">{links}</Relationships>'
        )
        for i, rows in enumerate(sheets.values(), 1):
            file.writestr(f"xl/worksheets/sheet{i}.xml", sheet_xml(rows))
    return path


def write_ods(path, rows):
    """The smallest spreadsheet of LibreOffice with these rows."""
    names = {name: f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" for name in ("office", "table", "text")}
    cells = "".join(
        "<table:table-row>" + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>' for value in row
        ) + "</table:table-row>" for row in rows
    )  # fmt: skip
    spaces = " ".join(f'xmlns:{name}="{space}"' for name, space in names.items())
    body = f'<office:spreadsheet><table:table table:name="One">{cells}</table:table></office:spreadsheet>'
    body = f"<office:body>{body}</office:body>"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("content.xml", f"<office:document-content {spaces}>{body}</office:document-content>")
        file.writestr("META-INF/manifest.xml", "<manifest/>")
    return path
