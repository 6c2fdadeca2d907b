//! The permissions of roles, and the public endpoints.

use serde_json::{Value, json};

use super::evaluate::function_url;
use super::stack::listed;
use super::{Stack, handlers, logical_name};

/// Actions for which AWS accepts no resource narrower than `*`.
const ON_EVERYTHING: [&str; 7] = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
    "scheduler:ListSchedules",
];

const VPC: (&str, &str) = ("VpcId", "vpc-1");

fn roles(stack: &Stack) -> Vec<String> {
    stack.all("AWS::IAM::Role").into_iter().map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn roles_have_no_wildcard_permissions() {
    let stack = Stack::with(&[VPC, ("HandlerAuth", "AWS_IAM")]);
    for role in roles(&stack) {
        for statement in stack.statements(&role) {
            let actions = listed(&statement["Action"]);
            assert!(!actions.is_empty() && actions.iter().all(|action| !action.contains('*')), "{role}: {statement}");
            let on_everything = actions.iter().all(|action| ON_EVERYTHING.contains(action));
            for resource in listed(&statement["Resource"]) {
                assert!(resource != "*" || on_everything, "{role}: {statement}");
            }
        }
    }
}

#[test]
fn functions_outside_a_vpc_have_no_network_interface_permissions() {
    let stack = Stack::with(&[]);
    for role in roles(&stack) {
        let touches = |statement: &Value| listed(&statement["Action"]).iter().any(|action| action.starts_with("ec2:"));
        assert!(!stack.statements(&role).iter().any(touches), "{role}");
    }
}

#[test]
fn each_function_writes_only_its_own_log() {
    let stack = Stack::with(&[]);
    for (function, resource) in stack.functions() {
        let role = resource["Properties"]["Role"].as_str().expect("a role");
        let log = role.replace("Role.Arn", "Logs.Arn");
        for statement in stack.allowed(function) {
            let logs = listed(&statement["Action"]).iter().any(|action| action.starts_with("logs:"));
            assert!(!logs || listed(&statement["Resource"]) == [log.as_str()], "{function}: {statement}");
        }
    }
}

#[test]
fn dispatcher_permissions_are_limited_to_its_role_and_group() {
    let stack = Stack::with(&[]);
    let with = |action: &str| -> Value {
        let mut statements = stack.allowed("dispatch");
        statements.retain(|statement| listed(&statement["Action"]).contains(&action));
        assert_eq!(statements.len(), 1, "{action}");
        statements.remove(0)
    };
    let pass = with("iam:PassRole");
    assert_eq!(pass["Resource"], "${SchedulerRole.Arn}");
    assert_eq!(pass["Condition"], json!({ "StringEquals": { "iam:PassedToService": "scheduler.amazonaws.com" } }));
    let create = with("scheduler:CreateSchedule");
    assert_eq!(create["Resource"], "arn:aws:scheduler:us-east-1:123456789012:schedule/${ScheduleGroup}/*");
    let dispatch = "arn:aws:lambda:us-east-1:123456789012:function:sigpost-test-dispatch";
    assert_eq!(with("lambda:InvokeFunction")["Resource"], dispatch);
    // The permissions of the passed role.
    let of_scheduler = stack.statements("SchedulerRole");
    let invoke = of_scheduler.iter().find(|statement| statement["Action"] == "lambda:InvokeFunction");
    assert_eq!(invoke.expect("a statement")["Resource"], dispatch);
}

#[test]
fn only_the_dispatcher_can_invoke_handlers_behind_iam() {
    let stack = Stack::with(&[("HandlerAuth", "AWS_IAM"), ("AdminAuth", "AWS_IAM")]);
    let arns: Vec<String> = handlers().iter().map(|name| format!("${{{}Function.Arn}}", logical_name(name))).collect();
    let mut hosts = Vec::new();
    for handler in handlers() {
        assert_eq!(stack.function(&handler)["Properties"]["FunctionUrlConfig"]["AuthType"], "AWS_IAM", "{handler}");
        hosts.push(function_url(&logical_name(&handler)).replace("https://", "").replace('/', ""));
    }
    assert_eq!(stack.all("AWS::Lambda::Permission"), []);

    let statements = stack.allowed("dispatch");
    let on_handlers: Vec<_> = statements
        .iter()
        .filter(|statement| {
            let mut resources: Vec<String> = listed(&statement["Resource"]).into_iter().map(str::to_owned).collect();
            resources.sort_unstable();
            resources == arns
        })
        .map(|statement| (listed(&statement["Action"]), &statement["Condition"]))
        .collect();
    // Both are required since October 2025: <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>.
    let only_by_url = json!({ "Bool": { "lambda:InvokedViaFunctionUrl": "true" } });
    assert_eq!(
        on_handlers,
        [(vec!["lambda:InvokeFunctionUrl"], &Value::Null), (vec!["lambda:InvokeFunction"], &only_by_url)]
    );
    let targets = &stack.function("dispatch")["Properties"]["Environment"]["Variables"]["SIGV4_TARGETS"];
    let mut targets: Vec<&str> = targets.as_str().expect("hosts").split(',').collect();
    targets.sort_unstable();
    assert_eq!(targets, hosts);
}

#[test]
fn functions_without_iam_are_public_only_by_url() {
    let stack = Stack::with(&[]);
    let permissions = stack.all("AWS::Lambda::Permission");
    let public = [handlers(), vec!["admin".to_owned()]].concat();
    for function in &public {
        let name = format!("${{{}Function}}", logical_name(function));
        let mut allowed: Vec<Value> = permissions
            .iter()
            .filter(|(_, permission)| permission["Properties"]["FunctionName"] == *name)
            .map(|(_, permission)| permission["Properties"].clone())
            .collect();
        allowed.sort_by_key(|permission| permission["Action"].as_str().map(str::len));
        assert_eq!(allowed.len(), 2, "{function}");
        assert_eq!(allowed[0]["InvokedViaFunctionUrl"], true, "{function}");
        assert_eq!(allowed[1]["FunctionUrlAuthType"], "NONE", "{function}");
    }
    assert_eq!(permissions.len(), 2 * public.len());
    let variables = &stack.function("dispatch")["Properties"]["Environment"]["Variables"];
    assert_eq!(variables["SIGV4_TARGETS"], Value::Null);
}

#[test]
fn admin_function_behind_iam_has_no_token() {
    for (auth, tokens) in [("NONE", true), ("AWS_IAM", false)] {
        let stack = Stack::with(&[("AdminAuth", auth)]);
        let properties = &stack.function("admin")["Properties"];
        assert_eq!(properties["FunctionUrlConfig"]["AuthType"], auth);
        for name in ["ADMIN_TOKEN", "QSTASH_TOKEN", "QSTASH_URL"] {
            assert_eq!(properties["Environment"]["Variables"][name].is_string(), tokens, "{auth} {name}");
        }
        let reads = |statement: &Value| listed(&statement["Resource"]).contains(&"${AdminToken}");
        assert_eq!(stack.allowed("admin").iter().any(reads), tokens, "{auth}");
    }
}

#[test]
fn only_functions_that_authenticate_are_public() {
    let stack = Stack::with(&[VPC, ("HandlerAuth", "AWS_IAM"), ("Database", "rds")]);
    let mut public = Vec::new();
    for (name, function) in stack.functions() {
        match function["Properties"]["FunctionUrlConfig"]["AuthType"].as_str() {
            Some("NONE") => public.push(name),
            Some("AWS_IAM") => {}
            other => assert_eq!((name, other), ("migrate", None)),
        }
    }
    public.sort_unstable();
    assert_eq!(public, ["admin", "dispatch", "ingress"]);
    for kind in ["AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::SecretsManager::ResourcePolicy"] {
        assert_eq!(stack.all(kind), [], "{kind}");
    }
    for (name, group) in stack.all("AWS::EC2::SecurityGroup") {
        assert_eq!(group["Properties"]["SecurityGroupIngress"], Value::Null, "{name}");
    }
}

#[test]
fn file_writers_have_their_own_folder_of_a_private_bucket() {
    let stack = Stack::with(&[]);
    let bucket = &stack.resources["Files"];
    for setting in ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"] {
        assert_eq!(bucket["Properties"]["PublicAccessBlockConfiguration"][setting], true, "{setting}");
    }
    assert_eq!(bucket["DeletionPolicy"], "Retain");
    // Deletes the incomplete uploads of a crashed process.
    let rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"].as_array().expect("rules");
    assert!(rules.iter().any(|rule| rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1));

    let mut writers = Vec::new();
    for (function, resource) in stack.functions() {
        let statements = stack.allowed(function);
        let on_files: Vec<&Value> = statements
            .iter()
            .filter(|statement| listed(&statement["Action"]).iter().any(|action| action.starts_with("s3:")))
            .collect();
        let [statement] = on_files[..] else {
            assert!(on_files.is_empty(), "{function}");
            continue;
        };
        // A presigned link grants only what its signer may read.
        assert_eq!(listed(&statement["Action"]), ["s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject"]);
        assert_eq!(resource["Properties"]["Environment"]["Variables"]["FILES_URL"], "s3://${Files}", "{function}");
        writers.push((function, statement["Resource"].as_str().expect("one").to_owned()));
    }
    writers.sort_unstable();
    let folder = |name: &str| format!("${{Files.Arn}}/{name}/*");
    assert_eq!(writers, [("export-data", folder("exports")), ("generate-report", folder("reports"))]);
}
