"""Prints a SAM template as CloudFormation receives it, so that cfn-lint checks IAM actions, which it skips in SAM.

Both of AWS's transforms are done here: Fn::ForEach as AWS documents it, the rest by SAM's own translator.
"""

import json
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator


def put(node, name, value):
    """Returns the body of a loop for one of its values."""
    if isinstance(node, dict):
        if node == {"Ref": name}:
            return value
        return {put(key, name, value): put(item, name, value) for key, item in node.items()}
    if isinstance(node, list):
        return [put(item, name, value) for item in node]
    if isinstance(node, str):
        bare = "".join(c for c in value if c.isalnum())
        return node.replace("${%s}" % name, value).replace("&{%s}" % name, bare)
    return node


def fold(node):
    """Converts a reference to a composed name into a plain one."""
    if isinstance(node, list):
        return [fold(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: fold(item) for key, item in node.items()}
    for function in ("Ref", "Fn::GetAtt"):
        if list(node) == [function]:
            plain = lambda item: item["Fn::Sub"] if isinstance(item, dict) else item
            item = node[function]
            node[function] = [plain(part) for part in item] if isinstance(item, list) else plain(item)
    return node


def expanded(section):
    whole = {}
    for key, value in section.items():
        if key.startswith("Fn::ForEach::"):
            name, items, body = value
            for item in items:
                whole.update(put(body, name, item))
        else:
            whole[key] = value
    return fold(whole)


with open(sys.argv[1]) as file:
    template = yaml_parse(file.read())
for section in ("Resources", "Outputs"):
    template[section] = expanded(template.get(section, {}))
for resource in template["Resources"].values():
    # As after an upload.
    if "CodeUri" in resource.get("Properties", {}):
        resource["Properties"]["CodeUri"] = "s3://code/function.zip"
    if resource["Type"] == "AWS::Serverless::Application":
        resource["Properties"]["Location"] = "https://code.s3.amazonaws.com/template.yaml"
if "AWS::Serverless-2016-10-31" in template.get("Transform", []):
    template = Translator({}, Parser()).translate(template, {})
template.pop("Transform", None)
json.dump(template, sys.stdout, indent=1)
