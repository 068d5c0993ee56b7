//! User-data: every template is a golden file, and values and templates that must not get in.

use basement::fleet::userdata::{
    self, BUILT_IN, BadUserData, Blanks, Templates, built_in, check, extras, server_id,
};
use basement::model::ids::ServerName;
use basement::model::policy::{FirewallBy, ReadyBy};

const HASH: &str = "$6$saltSALTsalt1234$fMckW3aCeSl4KG3eQnlJoUKloUDiNreePIpfetXtjWDcwUsbRLviAaOp/owqtfKYzvB3AxIEIlL60byQfDdt./";
const ID: &str = "0123456789abcdef0123";

/// With a firewall of each droplet's own.
fn render(
    templates: &Templates,
    name: &str,
    root_hash: &str,
    server_id: &str,
) -> Result<String, BadUserData> {
    userdata::render(templates, name, Blanks { root_hash, server_id, firewall: FirewallBy::Ufw })
}

/// The built-in templates and one called `own`.
fn with(text: &str) -> Templates {
    let mut templates = built_in();
    templates.insert("own".to_owned(), text.to_owned());
    templates
}

fn filled(text: &str) -> Result<String, BadUserData> {
    render(&with(text), "own", HASH, ID)
}

/// What `validate` would say of it.
fn complaint(text: &str) -> String {
    check(&with(text), "own", ReadyBy::Http).expect_err(text).to_string()
}

#[test]
fn every_built_in_template_is_filled_in() {
    let templates = built_in();
    assert_eq!(templates.len(), BUILT_IN.len());
    for name in templates.keys() {
        let text = render(&templates, name, HASH, ID).unwrap();
        insta::assert_snapshot!(format!("user_data_{name}"), text);
        for mark in ["{{", "}}", "#%", "{*", "*}", "endblock"] {
            assert!(!text.contains(mark), "{name}: {mark}");
        }
        assert_eq!(check(&templates, name, ReadyBy::Http), Ok(()));
    }
}

#[test]
fn who_keeps_the_firewall_decides_whether_a_droplet_has_its_own() {
    let templates = built_in();
    for name in templates.keys() {
        let with = |firewall| {
            userdata::render(&templates, name, Blanks { root_hash: HASH, server_id: ID, firewall }).unwrap()
        };
        let [ufw, cloud, both] = [FirewallBy::Ufw, FirewallBy::Cloud, FirewallBy::Both].map(with);
        assert_eq!(ufw, both, "{name}");
        let (_, script) = cloud.split_once("#!/bin/sh").expect("the first boot's script");
        assert!(!script.contains("ufw") && !script.contains("firewall:"), "{name}: {script}");
        // Nothing else is different.
        let left: Vec<&str> = ufw.lines().filter(|line| !cloud.lines().any(|other| other == *line)).collect();
        insta::assert_snapshot!("user_data_without_the_cloud", left.join("\n"));
        assert!(cloud.lines().all(|line| ufw.contains(line)), "{name}");
    }
}

#[test]
fn a_template_adds_to_base_what_it_fills_its_blocks_with() {
    let templates = built_in();
    let base = render(&templates, "base", HASH, ID).unwrap();
    assert_eq!(filled("#% extends \"base\"\n").unwrap(), base);
    let step = "      systemctl enable --now redis-server\n";
    let more = filled(&format!("#% extends \"base\"\n#% block steps\n{step}#% endblock\n")).unwrap();
    assert_eq!(more.replace(step, ""), base);
    let (before, _) = more.split_once(step).expect("the step is in it");
    assert!(before.contains("systemctl enable --now nginx") && !before.contains("shutdown -r"));
}

#[test]
fn shell_is_left_as_it_is() {
    let shell =
        "#!/bin/bash\n# {{ root_hash }}\nn=${#x}; printf '{%s}' \"${x%%{*}\" # 100% }} {# %} #}\n  #%%\n";
    let expected = shell.replace("{{ root_hash }}", HASH);
    assert_eq!(filled(&shell.replace("  #%%\n", "")).unwrap(), expected.replace("  #%%\n", ""));
    assert!(filled(shell).is_err(), "a line that begins with the mark is ours");
}

#[test]
fn a_server_id_is_new_for_every_attempt_and_fits_its_alphabet() {
    let ada = ServerName::parse("ada-7f3k2m9q").unwrap();
    let first = server_id(&ada, 1);
    // printf ada-7f3k2m9q/1 | sha256sum | cut -c-20
    insta::assert_snapshot!(first, @"fa97e05369e2131387ed");
    assert_ne!(first, server_id(&ada, 2));
    assert!(render(&built_in(), "base", HASH, &first).is_ok());
}

#[test]
fn only_crypt_hashes_get_in() {
    let templates = built_in();
    let long_salt = HASH.replace("1234$", "1234567890$");
    let rounds = HASH.replace("$6$", "$6$rounds=5000$");
    assert!(render(&templates, "base", &rounds, ID).is_ok());
    let hostile = [
        "",
        "secret",
        "$y$j9T$abc$def",
        "$6$$",
        "$6$salt$short",
        "$6$salt\"$x",
        long_salt.as_str(),
        &format!("{HASH}\n"),
        &format!("{HASH}\"\nruncmd: [reboot]"),
        &HASH.replace("$6$", "$6$rounds=$"),
        &HASH.replace("$6$", "$6$rounds=a$"),
        &HASH.replace("salt", "sa t"),
    ];
    for (name, hash) in templates.keys().flat_map(|name| hostile.map(|hash| (name, hash))) {
        let error = render(&templates, name, hash, ID).unwrap_err();
        assert_eq!(error, BadUserData::Hash, "{hash}");
        assert!(hash.is_empty() || !error.to_string().contains(hash) || hash == "$6$$");
    }
}

#[test]
fn only_server_ids_get_in() {
    let templates = built_in();
    for id in ["", "short", "UPPERCASE0", "abc-def-ghi", "abcdefgh\n", "';reboot;'x", &"a".repeat(41)] {
        for name in templates.keys() {
            assert!(matches!(render(&templates, name, HASH, id), Err(BadUserData::ServerId(_))), "{id}");
        }
    }
}

#[test]
fn templates_that_would_fail_on_the_machine_are_refused_here() {
    let with = |body: &str| complaint(&format!("#cloud-config\n{body}"));
    insta::assert_snapshot!(with("a: {{ root_hash }}\nb: {{passwd}}"), @"line 3 of the cloud-init template `own`: an unknown blank; hint: there are `{{ root_hash }}`, `{{ server_id }}` and `{{ firewall }}`");
    insta::assert_snapshot!(with("a: {{ root_hash }}\nb: {{never closed\nc: 1"), @"line 3 of the cloud-init template `own`: unexpected identifier, expected end of variable block; hint: what stands in `{{ }}` and behind `#%` is Jinja");
    insta::assert_snapshot!(with("a: 1"), @"the cloud-init template has no `{{ root_hash }}`; hint: without it the mailed password is not the server's");
    insta::assert_snapshot!(with("a: {{root_hash}}\nb: “1”"), @"line 3 of the cloud-init template `own`: not plain ASCII; hint: look for quotes and dashes of a word processor");
    insta::assert_snapshot!(complaint("packages: [{{root_hash}}]"), @"the cloud-init template begins neither with `#cloud-config` nor with `#!`; hint: cloud-init would ignore it");
    insta::assert_snapshot!(complaint("#% extends \"bse\"\n"), @"line 1 of the cloud-init template `own`: it builds upon a template that is not there; hint: the built-in ones are `base` and `php`");
    insta::assert_snapshot!(complaint("#% extends \"own\"\n"), @"line 1 of the cloud-init template `own`: it builds upon itself; hint: take another name, and build upon `base`");
    insta::assert_snapshot!(with("#% for a in range(9999)\n#% for b in range(9999)\n#% endfor\n#% endfor\n"), @"line 3 of the cloud-init template `own`: it takes too long to fill in; hint: look for a loop without an end");
    insta::assert_snapshot!(with("a: {{ root_hash | frobnicate }}\n"), @"line 2 of the cloud-init template `own`: unknown filter; hint: `base`, which `basement init` writes out, shows what works");
    let large = format!("#!/bin/sh\n# {{{{root_hash}}}}\n{}", "#".repeat(65_536));
    assert!(matches!(filled(&large), Err(BadUserData::TooLarge(_))));
}

#[test]
fn what_cloud_init_would_not_take_is_refused_here() {
    let with = |body: &str| complaint(&format!("#cloud-config\npassword: \"{{{{ root_hash }}}}\"\n{body}"));
    insta::assert_snapshot!(with("package_upgade: true"), @"cloud-init knows no `package_upgade`; hint: did you mean `package_upgrade`?");
    insta::assert_snapshot!(with("xyzzy: true"), @"cloud-init knows no `xyzzy`; hint: look it up in cloud-init's documentation");
    insta::assert_snapshot!(with("runcmd:\n  - [a\nusers: []\n"), @"filled in, it is not YAML: did not find expected ',' or ']' at line 5 column 6, while parsing a flow sequence at line 4 column 5; hint: count the spaces: what stands in a block keeps its own");
    insta::assert_snapshot!(complaint("#cloud-config\n# {{ root_hash }}\n"), @"filled in, it is not a YAML mapping; hint: begin with `runcmd:` or so");
    insta::assert_snapshot!(complaint("#% extends \"base\"\n#% block files\n- path: /etc/motd\n#% endblock\n"), @"filled in, it is not YAML: did not find expected key at line 44 column 1, while parsing a block mapping at line 7 column 1; hint: count the spaces: what stands in a block keeps its own");
    // A script is nobody's but the shell's.
    let script = self::with("#!/bin/sh\necho 'root:{{ root_hash }}' | chpasswd -e\n");
    assert_eq!(check(&script, "own", ReadyBy::Address), Ok(()));
    assert_eq!(check(&script, "own", ReadyBy::Http), Err(BadUserData::NoServerId));
}

#[test]
fn a_server_that_could_never_be_ready_or_opened_is_refused_here() {
    let base = built_in()["base"].clone();
    insta::assert_snapshot!(complaint(&base.replace("{{ server_id }}", "x")), @r#"the cloud-init template has no `{{ server_id }}`; hint: the page it writes must show it, or no server is ever ready; or set `ready = "address"`"#);
    // A comment is no place for them.
    assert_eq!(
        complaint("#cloud-config\n# {{ root_hash }}\nruncmd:\n  - [reboot]\n"),
        BadUserData::NoHash.to_string()
    );
    let comment = "#cloud-config\npassword: \"{{ root_hash }}\" # {{ server_id }}\n";
    assert_eq!(complaint(comment), BadUserData::NoServerId.to_string());
}

#[test]
fn a_complaint_about_a_template_points_at_the_line_to_blame() {
    let base = built_in()["base"].clone();
    let blamed = |text: &str| match check(&with(text), "own", ReadyBy::Http) {
        Err(BadUserData::Yaml(bad)) => (bad.line, bad.message),
        other => panic!("{other:?}"),
    };
    let twice = format!("{base}\nruncmd:\n  - [reboot]\n");
    let last = base.lines().count() + 2;
    assert_eq!(blamed(&twice), (Some(last), "`runcmd` stands there twice".to_owned()));
    insta::assert_snapshot!(complaint(&base.replace('\n', "\r\n")), @"the lines of the cloud-init template end with CR LF; hint: save it with plain line feeds (`dos2unix`)");
    insta::assert_snapshot!(complaint(&format!("\u{feff}{base}")), @"the cloud-init template begins with a byte order mark; hint: save it as UTF-8 without one");
}

#[test]
fn a_first_boot_that_was_cut_off_anywhere_goes_on_at_the_next() {
    for (name, _) in BUILT_IN {
        let text = render(&built_in(), name, HASH, ID).unwrap();
        let (_, script) = text.split_once("basement-firstboot\n").expect("the script");
        let begun = script.find(": > \"$work/begun\"").expect("it says that it has begun");
        assert!(
            ["apt-get", "chpasswd", "ufw", "systemctl", "shutdown"]
                .iter()
                .all(|word| { script.find(&format!("{word} ")).is_none_or(|at| begun < at) })
        );
        assert!(script.contains("[ ! -f /root/.basement/begun ] || exec /usr/local/sbin/basement-firstboot"));
    }
}

#[test]
fn a_broken_template_harms_only_those_who_build_upon_it() {
    let templates = with("#% block a\n");
    assert!(render(&templates, "base", HASH, ID).is_ok());
    assert!(matches!(render(&templates, "other", HASH, ID), Err(BadUserData::Missing(_))));
}

#[test]
fn what_a_template_brings_is_told_with_that_of_the_one_below() {
    let mut templates =
        with("#% extends \"php\"\n# letter: Redis, a cache\n#   letter: not this\n# letter:  \n");
    assert_eq!(extras(&templates, "own"), ["PHP 8, and MariaDB, a database", "Redis, a cache"]);
    assert!(extras(&templates, "base").is_empty() && extras(&templates, "none").is_empty());
    templates.insert("loop".to_owned(), "#% extends \"loop\"\n# letter: round and round".to_owned());
    assert_eq!(extras(&templates, "loop"), ["round and round"]);
}
