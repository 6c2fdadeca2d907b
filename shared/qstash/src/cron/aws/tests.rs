use super::super::Cron;
use super::AwsSchedule;

fn cron(text: &str) -> Cron {
    text.parse().unwrap()
}

fn expressions(text: &str) -> Vec<String> {
    let schedules = cron(text).to_aws("f").expect(text);
    schedules.into_iter().map(|schedule| schedule.expression).collect()
}

/// Another test in `tests` checks with an evaluator of EventBridge's expressions that these mean the same.
#[test]
fn an_expression_is_spelled_with_what_eventbridge_documents() {
    for (text, expected) in [
        ("* * * * *", &["cron(* * * * ? *)"][..]),
        ("*/10 * * * *", &["cron(0,10,20,30,40,50 * * * ? *)"]),
        ("0/25 9-17 * * mon-fri", &["cron(0,25,50 9-17 ? * MON-FRI *)"]),
        ("0 0 9 * * ?", &["cron(0 9 * * ? *)"]),
        ("@weekly", &["cron(0 0 ? * SUN *)"]),
        ("0 9 */2 jan,mar-may *", &["cron(0 9 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 1,3-5 ? *)"]),
        ("0 9 1,15 * *", &["cron(0 9 1,15 * ? *)"]),
        ("0 9 * * 5-7", &["cron(0 9 ? * SUN,FRI,SAT *)"]),
        ("0 9 1 * 1", &["cron(0 9 1 * ? *)", "cron(0 9 ? * MON *)"]),
        ("0 9 30,31 2 1", &["cron(0 9 ? 2 MON *)"]),
        ("0 9 1,L * 0L", &["cron(0 9 1 * ? *)", "cron(0 9 L * ? *)", "cron(0 9 ? * 1L *)"]),
        ("0 9 1W,31W * *", &["cron(0 9 1W * ? *)", "cron(0 9 31W 1,3,5,7,8,10,12 ? *)"]),
        ("0 9 30W 2/2 *", &["cron(0 9 30W 4,6,8,10,12 ? *)"]),
        ("0 9 * * 6#1,mon#3", &["cron(0 9 ? * 7#1 *)", "cron(0 9 ? * 2#3 *)"]),
    ] {
        assert_eq!(expressions(text), expected, "{text}");
    }
}

#[test]
fn the_longest_lists_fit_into_an_expression() {
    let most = |least: u32, greatest: u32| {
        let numbers: Vec<_> = (least..=greatest).filter(|number| (number - least) % 3 < 2).collect();
        numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
    };
    let text = format!("{} {} {} {} *", most(0, 59), most(0, 23), most(1, 31), most(1, 12));
    assert!(expressions(&text)[0].len() <= 256);
}

#[test]
fn an_interval_without_hours_and_days_goes_by_utc() {
    for (text, expression, time_zone) in [
        ("*/20 * * * *", "cron(0,20,40 * * * ? *)", "UTC"),
        ("CRON_TZ=europe/berlin */20 * * * *", "cron(0,20,40 * * * ? *)", "UTC"),
        ("CRON_TZ=Asia/Kathmandu 0,50 * * * *", "cron(5,15 * * * ? *)", "UTC"),
        ("CRON_TZ=America/St_Johns @hourly", "cron(30 * * * ? *)", "UTC"),
        ("CRON_TZ=Australia/Lord_Howe */30 * * * *", "cron(0,30 * * * ? *)", "UTC"),
        // Its daylight-saving offset is half an hour.
        ("CRON_TZ=Australia/Lord_Howe 5 * * * *", "cron(5 * * * ? *)", "Australia/Lord_Howe"),
        // These have a day or an hour, or fire once in a repeated hour.
        ("CRON_TZ=europe/berlin */20 * * * 1", "cron(0,20,40 * ? * MON *)", "Europe/Berlin"),
        ("CRON_TZ=europe/berlin */20 * * 1 *", "cron(0,20,40 * * 1 ? *)", "Europe/Berlin"),
        ("CRON_TZ=europe/berlin */20 2 * * *", "cron(0,20,40 2 * * ? *)", "Europe/Berlin"),
        ("CRON_TZ=europe/berlin 0 0-23 * * *", "cron(0 * * * ? *)", "Europe/Berlin"),
    ] {
        let schedule = AwsSchedule { expression: expression.to_owned(), time_zone: time_zone.to_owned() };
        assert_eq!(cron(text).to_aws("f"), Ok(vec![schedule]), "{text}");
    }
}

#[test]
fn what_eventbridge_cannot_say_is_rejected_with_the_reason() {
    for (text, reason) in [
        ("30 0 9 * * *", "fires on whole minutes: the second must be 0; other seconds require `sigpost serve`"),
        ("* * * * * *", "fires on whole minutes: the second must be 0; other seconds require `sigpost serve`"),
        ("0 9 1-7 * +1", "cannot require both the day of month and the day of week (+)"),
        ("0 9 LW * *", "does not document LW, the last weekday of the month"),
        ("0 9 29W * *", "does not document 29W in a February of 28 days"),
        (
            "0 9 1-9 * 1#1,2#1,3#1,4#1,5#1,1#3,2#3,3#3",
            "supports one L, W or # per schedule: this expression needs 9 schedules, the maximum is 8",
        ),
    ] {
        let error = cron(text).to_aws("Upstash-Cron").expect_err(text).to_string();
        assert_eq!(error, format!("Upstash-Cron: EventBridge Scheduler {reason}"));
    }
}
