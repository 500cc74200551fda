"""Modules that are joined into one script do what they do one by one."""

import json
import shutil
import subprocess

import pytest

from distill.browser.joining import constant_of, join

CODE = {
    "page/main.js": """
// What is said.
import { greet as hail, HELLO } from "../words/greet.js";
import { count } from "./count.js";
import { again } from "./again.js";

/** @typedef {import("./later.js").Late} Late */

const greet = (name) => `${name}?`;
count();
export class Said {
  now = [hail("you"), greet("you"), HELLO, again()];
  async late() {
    const { late } = await import("./later.js");
    return late();
  }
}
""",
    "page/again.js": 'export { count as again } from "./count.js";\n',
    "page/count.js": "let counted = 0; // in page/** alone\nexport function count() {\n  return ++counted;\n}\n",
    "page/later.js": 'import { Said } from "./main.js";\nexport const late = () => new Said().now[3];\n',
    "words/greet.js": """
export const HELLO = "hello"; // a word
const greet = (name) => `${HELLO} ${name}`;
export { greet };
""",
}


def in_node(script, folder):
    (folder / "script.mjs").write_text(script)
    node = shutil.which("node") or pytest.skip("This test needs Node.")
    return json.loads(subprocess.run([node, folder / "script.mjs"], capture_output=True, check=True, timeout=60).stdout)


def test_joined_modules_share_what_they_hold_and_keep_their_own_names(tmp_path):
    used = "const said = new Said();\nconsole.log(JSON.stringify([said.now, await said.late()]));\n"
    joined = join(["page/main.js"], CODE.__getitem__)
    found = in_node(f"{joined}const {{ Said }} = {constant_of('page/main.js')};\n{used}", tmp_path)
    for path, code in CODE.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(code)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    one_by_one = in_node(f'import {{ Said }} from "./page/main.js";\n{used}', tmp_path)
    assert found == one_by_one == [["hello you", "you?", "hello", 2], 3]
    assert "What is said" not in joined


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ({"a.js": 'import b from "./b.js";\n'}, "import b from"),
        ({"a.js": "export default 1;\n"}, "export default 1"),
        ({"a.js": 'import { y } from "./b.js";\n', "b.js": "export const x = 1, y = 2;\n"}, "does not export y"),
        ({"a.js": "let n = 0;\nexport { n };\n"}, "changes what it exports, n"),
        ({"a.js": "const later = () => import('./b.js');\n"}, "import"),
        ({"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'}, "itself"),
    ],
)
def test_what_cannot_be_joined_is_refused(code, said):
    with pytest.raises(ValueError, match=said):
        join(["a.js"], code.__getitem__)
