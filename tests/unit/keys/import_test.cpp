#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <fstream>

#include "keys/export_keys.hpp"
#include "keys/import_keys.hpp"
#include "keys/key_zone.hpp"
#include "keys/opendkim_import.hpp"
#include "keys/rspamd_import.hpp"
#include "keys/ucl.hpp"
#include "tests/unit/keys/store_fixture.hpp"

namespace signet::keys {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const WallTime kNow(std::chrono::seconds(1'795'000'000));

class ImportTest : public StoreTest {
 protected:
  void SetUp() override {
    store_ = elsewhere_ / "store";
    std::filesystem::create_directory(store_);
    options_ = {.store = {.directory = store_}, .replace_with = "signet keys new --store S"};
  }

  /// Outside the store.
  std::filesystem::path write_elsewhere(const std::filesystem::path& relative,
                                        std::string_view text, mode_t mode = 0600) const {
    return folder_.write(relative, text, mode);
  }

  [[nodiscard]] ImportRules one_rule(std::string_view author, std::string_view signer,
                                     const std::string& selector,
                                     const std::filesystem::path& file) const {
    return {.rules = {{domain(author), {{domain(signer), selector, file}}}}};
  }

  Result<void> apply(const ImportPlan& plan) {
    return apply_import(plan, options_, {kNow, "imported from test", "uid 0"},
                        [this](const Domain& name, const KeyEntry& key) {
                          told_.push_back(name.text() + " " + key.selector);
                        });
  }

  // PrivateKey makes none of that size.
  static const std::string& short_pem() {
    static const std::string pem = [] {
      const KeyHandle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024}));
      BIO* bio = BIO_new(BIO_s_mem());
      PEM_write_bio_PKCS8PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
      char* octets = nullptr;
      const auto size = BIO_get_mem_data(bio, &octets);
      std::string text(octets, static_cast<std::size_t>(size));
      BIO_free(bio);
      return text;
    }();
    return pem;
  }

  std::filesystem::path elsewhere_ = folder_.path();
  ImportOptions options_;
  std::vector<std::string> told_;
};

TEST_F(ImportTest, an_imported_key_signs_and_a_second_import_changes_nothing) {
  const auto file = write_elsewhere("k.private", rsa_pem(), 0644);
  const auto rules = one_rule("example.com", "example.com", "sel", file);
  const auto plan = plan_import(rules, options_);
  EXPECT_THAT(plan.refusals, IsEmpty());
  EXPECT_THAT(plan.notes, ElementsAre(HasSubstr("everybody could read it")));
  ASSERT_TRUE(apply(plan));
  const auto read = read_domain(store_, domain("example.com"), false, kNow);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ((*read)->keys.front().selector, "sel");
  const auto keys = *read_key_set(options_.store, domain("example.com"));
  EXPECT_EQ(keys.front().moves.front().reason, "imported from test " + file.string());
  const auto again = plan_import(rules, options_);
  ASSERT_THAT(again.keys, SizeIs(1));
  EXPECT_TRUE(again.keys.front().is_there);
  ASSERT_TRUE(apply(again));
  EXPECT_EQ(*read_key_set(options_.store, domain("example.com")), keys);
  EXPECT_THAT(told_, ElementsAre("example.com sel"));
}

TEST_F(ImportTest, cut_off_anywhere_an_import_is_ended_by_the_next) {
  const auto rsa = write_elsewhere("r", rsa_pem());
  const auto ed25519 = write_elsewhere("e", ed25519_pem());
  const ImportRules rules{
      .rules = {{domain("example.com"),
                 {{domain("example.com"), "e1", ed25519}, {domain("example.com"), "r1", rsa}}}}};
  struct Crash {};
  bool is_done = false;
  int crashes = 0;
  for (int last = 0; !is_done; ++last) {
    std::filesystem::remove_all(store_);
    std::filesystem::create_directory(store_);
    int steps = 0;
    options_.store.observer = [&](std::string_view) {
      if (steps++ == last) throw Crash();
    };
    try {
      ASSERT_TRUE(apply(plan_import(rules, options_)));
      is_done = true;
    } catch (const Crash&) {
      ++crashes;
    }
    options_.store.observer = {};
    // What is there now signs with what it has, or not at all: nothing in between is an error.
    const auto between = read_domain(store_, domain("example.com"), false, kNow);
    EXPECT_TRUE(between || between.error().fault == Fault::not_found) << between.error().detail;
    ASSERT_TRUE(apply(plan_import(rules, options_)));
    const auto read = read_domain(store_, domain("example.com"), false, kNow);
    ASSERT_TRUE(read) << last << " " << read.error().detail;
    EXPECT_THAT((*read)->keys, SizeIs(2)) << last;
  }
  EXPECT_GT(crashes, 5);
}

TEST_F(ImportTest, short_keys_need_an_end_and_name_what_replaces_them) {
  const auto file = write_elsewhere("short", short_pem());
  const auto rules = one_rule("example.com", "example.com", "old", file);
  EXPECT_THAT(plan_import(rules, options_).refusals,
              ElementsAre(HasSubstr("1024 bits: replace it with 'signet keys new --store S "
                                    "example.com'; --legacy-until")));
  options_.legacy_until = kNow + std::chrono::hours(24);
  const auto plan = plan_import(rules, options_);
  EXPECT_THAT(plan.notes, ElementsAre(HasSubstr("1024 bits")));
  ASSERT_TRUE(apply(plan));
  EXPECT_TRUE(read_domain(store_, domain("example.com"), false, kNow));
  EXPECT_FALSE(read_domain(store_, domain("example.com"), false, kNow + std::chrono::hours(25)));
}

TEST_F(ImportTest, another_end_of_a_short_key_is_told) {
  const auto rules = one_rule("a.example", "a.example", "old", write_elsewhere("k", short_pem()));
  std::vector<std::string> reasons;
  for (const int days : {1, 2, 2}) {
    options_.legacy_until = kNow + std::chrono::hours(24 * days);
    ASSERT_TRUE(apply_import(plan_import(rules, options_), options_, {kNow, "from", "uid 0"},
                             [&](const Domain&, const KeyEntry& key) {
                               reasons.push_back(key.moves.back().reason + " by " +
                                                 key.moves.back().by);
                             }));
  }
  EXPECT_THAT(reasons,
              ElementsAre(testing::EndsWith("/k by uid 0"),
                          testing::EndsWith("/k, signs until " +
                                            format_time(*options_.legacy_until) + " by uid 0")));
  const auto keys = read_key_set(options_.store, domain("a.example"));
  EXPECT_EQ(keys->front().legacy_until, options_.legacy_until);
  EXPECT_THAT(keys->front().moves, SizeIs(1));
}

TEST_F(ImportTest, what_the_store_has_is_not_pushed_aside) {
  const auto file = write_elsewhere("k", rsa_pem());
  write("example.com/mine.pem", PrivateKey::generate(Algorithm::rsa)->to_pem().view());
  EXPECT_THAT(plan_import(one_rule("example.com", "example.com", "sel", file), options_).refusals,
              ElementsAre(HasSubstr("signs with mine already")));
  EXPECT_THAT(plan_import(one_rule("example.com", "example.com", "mine", file), options_).refusals,
              ElementsAre(HasSubstr("another key mine")));
  EXPECT_THAT(plan_import(one_rule("example.com", "b.example", "sel", file), options_).refusals,
              ElementsAre(HasSubstr("keys of its own")));
}

TEST_F(ImportTest, a_selector_that_differs_in_case_alone_is_refused_before_and_under_the_lock) {
  write("a.example/s1.pem", rsa_pem());
  const auto rules = one_rule("a.example", "a.example", "S1", write_elsewhere("e", ed25519_pem()));
  EXPECT_THAT(plan_import(rules, options_).refusals,
              ElementsAre(HasSubstr("S1 is the DNS name of the key s1")));
  std::filesystem::remove_all(store_ / "a.example");
  write("a.example/r1.pem", rsa_pem());
  const auto plan = plan_import(rules, options_);
  EXPECT_THAT(plan.refusals, IsEmpty());
  std::filesystem::rename(store_ / "a.example/r1.pem", store_ / "a.example/s1.pem");
  const auto late = apply(plan);
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().detail, HasSubstr("same DNS name"));
  EXPECT_FALSE(std::filesystem::exists(store_ / "a.example/S1.pem"));
  EXPECT_TRUE(read_domain(store_, domain("a.example"), false, kNow));
}

TEST_F(ImportTest, a_path_that_is_not_utf8_leaves_the_domain_readable) {
  const auto file = write_elsewhere("k\xff\n\"\\\x7f\xc3\xa9.pem", rsa_pem());
  ASSERT_TRUE(apply(plan_import(one_rule("a.example", "a.example", "s1", file), options_)));
  const auto keys = read_key_set(options_.store, domain("a.example"));
  ASSERT_TRUE(keys) << keys.error().detail;
  EXPECT_THAT(keys->front().moves.front().reason,
              testing::EndsWith("/k\xef\xbf\xbd \"\\ \xc3\xa9.pem"));
}

TEST_F(ImportTest, of_two_imports_planned_at_once_the_second_is_refused) {
  const auto one = one_rule("a.example", "a.example", "s1", write_elsewhere("1", rsa_pem()));
  const auto other =
      one_rule("a.example", "a.example", "s2",
               write_elsewhere("2", PrivateKey::generate(Algorithm::rsa)->to_pem().view()));
  const auto first = plan_import(one, options_);
  const auto second = plan_import(other, options_);
  ASSERT_TRUE(apply(first));
  const auto late = apply(second);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().fault, Fault::key_state_wrong);
  EXPECT_THAT(late.error().detail, HasSubstr("signs with s1 by now"));
  EXPECT_THAT(*read_key_set(options_.store, domain("a.example")), SizeIs(1));
  EXPECT_THAT(told_, ElementsAre("a.example s1"));
}

TEST_F(ImportTest, two_keys_of_one_import_sign_both_also_when_the_first_is_there) {
  auto rules = one_rule("a.example", "a.example", "s1", write_elsewhere("1", rsa_pem()));
  const auto half = rules;
  const auto other = PrivateKey::generate(Algorithm::rsa)->to_pem();
  rules.rules.front().keys.push_back(
      {domain("a.example"), "s2", write_elsewhere("2", other.view())});
  ASSERT_TRUE(apply(plan_import(half, options_)));
  const auto whole = plan_import(rules, options_);
  EXPECT_THAT(whole.refusals, IsEmpty());
  ASSERT_TRUE(apply(whole));
  EXPECT_THAT((*read_domain(store_, domain("a.example"), false, kNow))->keys, SizeIs(2));
}

TEST_F(ImportTest, another_signers_name_becomes_a_parent) {
  const auto file = write_elsewhere("k", rsa_pem());
  const auto plan = plan_import(one_rule("news.example.com", "example.com", "s", file), options_);
  EXPECT_EQ(plan.parents.at(domain("news.example.com")), domain("example.com"));
  EXPECT_THAT(plan.notes, ElementsAre(HasSubstr("its own mail")));
}

TEST_F(ImportTest, one_signer_with_different_keys_for_its_authors_is_refused) {
  const auto file = write_elsewhere("k", rsa_pem());
  auto rules = one_rule("a.example.com", "example.com", "s1", file);
  rules.rules.push_back({domain("b.example.com"), {{domain("example.com"), "s2", file}}});
  const auto plan = plan_import(rules, options_);
  EXPECT_THAT(plan.keys, IsEmpty());
  EXPECT_THAT(plan.refusals, ElementsAre(HasSubstr("several author domains")));
  rules.rules = {{domain("a.example.com"),
                  {{domain("example.com"), "s1", file}, {domain("x.example"), "s1", file}}}};
  EXPECT_THAT(plan_import(rules, options_).refusals, ElementsAre(HasSubstr("several domains")));
}

TEST_F(ImportTest, no_key_no_selector_and_a_lone_ed25519_key_are_refused) {
  const auto text = write_elsewhere("text", "hello");
  const auto ed25519 = write_elsewhere("e", ed25519_pem());
  const auto why = [&](const std::string& selector, const std::filesystem::path& file) {
    const auto plan = plan_import(one_rule("a.example", "a.example", selector, file), options_);
    return plan.refusals.empty() ? std::string() : plan.refusals.front();
  };
  EXPECT_THAT(why("s", text), HasSubstr("no private key in PEM form"));
  EXPECT_THAT(why("s", elsewhere_ / "nowhere"), HasSubstr("No such file"));
  EXPECT_THAT(why("../s", ed25519), HasSubstr("is no selector"));
  EXPECT_THAT(why("s", ed25519), HasSubstr("only beside an RSA key"));
}

TEST_F(ImportTest, opendkim_with_tables_and_with_a_single_key) {
  const auto table = write_elsewhere("KeyTable", "# keys\nk1 example.com:s1:/k/1 # first\n");
  const auto signing = write_elsewhere("SigningTable", "*@example.com k1:%\n\n*@b.example k1\n");
  const auto conf =
      write_elsewhere("opendkim.conf", "Syslog yes\nKeyTable file:" + table.string() +
                                           "\nsigningtable refile:" + signing.string() +
                                           "\nExemptDomains x.example\n");
  const auto rules = read_opendkim(conf, {});
  ASSERT_TRUE(rules) << rules.error().detail;
  ASSERT_THAT(rules->rules, SizeIs(2));
  EXPECT_EQ(rules->rules[0].author.text(), "b.example");
  EXPECT_EQ(rules->rules[0].keys.front().domain.text(), "example.com");
  EXPECT_THAT(rules->notes, ElementsAre(HasSubstr("i="), HasSubstr("ExemptDomains")));

  const auto single = write_elsewhere(
      "single.conf", "Domain a.example, b.example\nSelector s1\nKeyFile /k/1\nSubDomains yes\n");
  EXPECT_THAT(read_opendkim(single, {})->refusals,
              ElementsAre(HasSubstr(".a.example covers"), HasSubstr(".b.example covers")));
  const auto named = read_opendkim(single, {domain("x.a.example"), domain("x.b.example")});
  ASSERT_THAT(named->rules, SizeIs(4));
  EXPECT_EQ(named->rules[3].author.text(), "x.b.example");
  EXPECT_EQ(named->rules[3].keys.front().domain.text(), "b.example");
}

TEST_F(ImportTest, opendkim_tables_of_other_kinds_are_refused_by_name) {
  const auto why = [&](std::string_view text) {
    const auto rules = read_opendkim(write_elsewhere("o.conf", text), {});
    return rules ? std::string() : rules.error().detail;
  };
  EXPECT_THAT(why("KeyTable dsn:mysql://x\nSigningTable /t\n"), HasSubstr("dsn:"));
  const auto patterns = write_elsewhere("patterns", "*.example %:s:/k\n");
  EXPECT_THAT(why("KeyTable refile:" + patterns.string() + "\nSigningTable /t\n"),
              HasSubstr("a pattern names no key"));
  EXPECT_THAT(why("KeyTable /etc/keys.db\nSigningTable /t\n"), HasSubstr("Berkeley"));
  EXPECT_THAT(why("KeyTable /nowhere\nSigningTable /t\n"), HasSubstr("/nowhere"));
  EXPECT_THAT(why("KeyTable /nowhere\n"), HasSubstr("go together"));
  EXPECT_THAT(why("Domain a.example\n"), HasSubstr("neither KeyTable"));
  EXPECT_THAT(why("Include /etc/x\n"), HasSubstr("Include"));
  EXPECT_THAT(why("KeyTable csl:k=a.example:s1\nSigningTable csl:a.example=k\n"),
              HasSubstr("NAME DOMAIN:SELECTOR:FILE"));
}

TEST(UclTest, reads_sections_lists_comments_and_json) {
  const auto parsed = parse_ucl(
      "# c\nuse_esld = false; selector: \"s\\\"1\" /* x */\npath = /d/$domain.${S}.key\n"
      "domain \"a.example\" { selectors [ { path = /a; selector = x, }, ] }\n"
      "domain { b.example { selector = y } }\ntext = <<EOT\nl1\nl2\nEOT\nmore a; more b;");
  ASSERT_TRUE(parsed) << parsed.error().detail;
  EXPECT_EQ(parsed->dump(),
            R"({"domain":{"a.example":{"selectors":[{"path":"/a","selector":"x"}]},)"
            R"("b.example":{"selector":"y"}},"more":["a","b"],"path":"/d/$domain.${S}.key",)"
            R"("selector":"s\"1","text":"l1\nl2","use_esld":false})");
  EXPECT_EQ(parse_ucl(R"({"a": {"b": [true, "c"]}})")->dump(), R"({"a":{"b":[true,"c"]}})");
  EXPECT_EQ(parse_ucl(R"({"a": "\n\r\t\b\f\/"})")->dump(), R"({"a":"\n\r\t\b\f/"})");
}

TEST(UclTest, says_where_a_text_goes_wrong) {
  const auto why = [](std::string_view text) {
    const auto parsed = parse_ucl(text);
    return parsed ? std::string() : parsed.error().detail;
  };
  EXPECT_THAT(why("a = 1;\n.include \"x\"\n"), HasSubstr("line 2: macros"));
  EXPECT_THAT(why("a {\n b = 1\n"), HasSubstr("no end"));
  EXPECT_THAT(why("a = [1, 2"), HasSubstr("no end"));
  EXPECT_THAT(why("a = \"x"), HasSubstr("no end"));
  EXPECT_THAT(why("a = <<E\nx"), HasSubstr("no end"));
  EXPECT_THAT(why("a = ;"), HasSubstr("value is missing"));
  EXPECT_THAT(why("= 1"), HasSubstr("name is missing"));
  EXPECT_THAT(why("{a=1} b"), HasSubstr("follows the end"));
  EXPECT_THAT(why(std::string(5000, '[').insert(0, "a=")), HasSubstr("too deep"));
}

class RspamdTest : public ImportTest {
 protected:
  /// "author d:s:file" of each rule, or why there is none.
  std::vector<std::string> read(const std::string& text,
                                std::initializer_list<std::string_view> named = {}) {
    std::vector<Domain> domains;
    for (const auto name : named) domains.push_back(domain(name));
    const auto rules = read_rspamd(
        write_elsewhere("local.d/dkim_signing.conf", text), domains, [](const Domain& name) {
          return name.text().ends_with("example.com") ? domain("example.com") : name;
        });
    if (!rules) return {rules.error().detail};
    notes_ = rules->notes;
    std::vector<std::string> lines;
    for (const auto& rule : rules->rules) {
      lines.push_back(rule.author.text());
      for (const auto& key : rule.keys)
        lines.back() += " " + key.domain.text() + ":" + key.selector + ":" + key.file.string();
    }
    return lines;
  }
  std::vector<std::string> notes_;
};

TEST_F(RspamdTest, one_that_is_switched_off_is_read_and_noted) {
  const std::string rule = "use_esld = false;\ndomain { a.example { path = /a; selector = s; } }\n";
  EXPECT_THAT(read(rule), ElementsAre("a.example a.example:s:/a"));
  EXPECT_THAT(notes_, IsEmpty());
  EXPECT_THAT(read("enabled = false;\n" + rule), ElementsAre("a.example a.example:s:/a"));
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("does not sign at all")));
}

TEST_F(RspamdTest, sections_maps_and_the_path_for_all) {
  const auto keys = elsewhere_ / "keys";
  write_elsewhere("keys/c.example.all.key", "");
  write_elsewhere("selectors.map", "b.example mapped\n");
  EXPECT_THAT(
      read("use_esld = false; selector = \"all\";\npath = \"" + keys.string() +
           "/$domain.$selector.key\";\nselector_map = \"$LOCAL_CONFDIR/selectors.map\";\n"
           "path_map { b.example = \"/k/$domain/$selector\" }\n"
           "domain { a.example { selectors [ {path=/a/1; selector=x1}, {selector=x2} ] } }\n"),
      ElementsAre("a.example a.example:x1:/a/1 a.example:x2:" + keys.string() + "/a.example.x2.key",
                  "b.example b.example:mapped:/k/b.example/mapped",
                  "c.example c.example:all:" + keys.string() + "/c.example.all.key"));
}

TEST_F(RspamdTest, use_esld_folds_the_domains_that_are_named) {
  EXPECT_THAT(read("domain { example.com { path = /k; selector = s } }", {"a.example.com"}),
              ElementsAre("a.example.com example.com:s:/k", "example.com example.com:s:/k"));
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("use_esld")));
}

TEST_F(RspamdTest, tables_in_the_manner_of_opendkim) {
  EXPECT_THAT(read("signing_table = [\"*@a.example k\", \"*@b.example k2\"]; selector = d;\n"
                   "key_table = [\"k %:s1:/k/%\", \"k2 x.example:/k2\"];"),
              ElementsAre("a.example a.example:s1:/k/a.example", "b.example x.example:d:/k2"));
}

TEST_F(RspamdTest, what_can_not_be_imported_is_refused_by_name) {
  EXPECT_THAT(read("use_redis = true;"), ElementsAre(HasSubstr("use_redis")));
  EXPECT_THAT(read("sign_condition = \"return 1\";"), ElementsAre(HasSubstr("sign_condition")));
  EXPECT_THAT(read("use_domain = \"envelope\";"), ElementsAre(HasSubstr("use_domain")));
  EXPECT_THAT(read("path_map = \"https://x/\";"), ElementsAre(HasSubstr("only files")));
  EXPECT_THAT(read("path_map = \"/nowhere/map\";"), ElementsAre(HasSubstr("/nowhere/map")));
  EXPECT_THAT(read("signing_table = [\"?@a.example k\"];"), ElementsAre(HasSubstr("only *")));
  EXPECT_THAT(read("key_table = [\"k a\"]; signing_table = [];"),
              ElementsAre(HasSubstr("not DOMAIN:SELECTOR:FILE")));
}

TEST_F(ImportTest, the_record_beside_a_key_says_its_selector) {
  const auto file = write_elsewhere("k.private", rsa_pem());
  const auto record = PrivateKey::from_pem(rsa_pem())->dns_record();
  const auto selector = [&](const std::string& zone) {
    const auto found = find_selector(write_elsewhere("zone", zone), file, domain("example.com"));
    return found ? *found : found.error().detail;
  };
  const auto half = record.size() / 2;
  const auto strings = "\"" + record.substr(0, half) + "\"\n\t  \"" + record.substr(half) + "\"";
  EXPECT_EQ(selector("mail._domainkey\tIN\tTXT\t( " + strings + " )  ; ----- DKIM key\n"), "mail");
  EXPECT_EQ(selector("$TTL 60\n@ IN SOA a b (\n 1 2 3 4 5 )\nother 60 IN TXT \"x\"\n"
                     "s1._domainkey.Example.com. 60 IN TXT ( " +
                     strings + " )\n"),
            "s1");
  EXPECT_EQ(selector("a60 TXT ( " + strings + " )"), "a60");
  EXPECT_EQ(selector("s2 TXT \"\\118\\=" + record.substr(2) + "\""), "s2");  // RFC 1035 5.1.
  EXPECT_THAT(selector("s1._domainkey.other.example. TXT ( " + strings + " )"),
              HasSubstr("no record of example.com"));
  const auto ours = " TXT ( " + strings + " )\n";
  EXPECT_EQ(selector("$ORIGIN example.com.\n$ORIGIN _domainkey\n$TTL 60\ns3" + ours), "s3");
  EXPECT_EQ(selector("$ORIGIN .\ns3._domainkey.example.com" + ours), "s3");
  EXPECT_EQ(selector("$ORIGIN s3._domainkey.example.com.\n@ A 192.0.2.1\n$TTL 5\n " + ours), "s3");
  for (const auto* origin : {"other.example.", "_domainkey.other.example."})
    for (const auto* name : {"s1._domainkey", "s1"})
      EXPECT_THAT(selector("$ORIGIN " + std::string(origin) + "\n" + name + ours),
                  HasSubstr("no record of example.com"))
          << name << " " << origin;
  EXPECT_THAT(selector("$ORIGIN x.\n$ORIGIN " + std::string(260, 'x') + "\n"), HasSubstr("longer"));
  EXPECT_THAT(selector("s1 TXT \"v=DKIM1; p=AAAA\""), HasSubstr("no record"));
  EXPECT_THAT(selector("s1 TXT \"v=DKIM1"), HasSubstr("within a string"));
}

std::vector<std::string> selectors(const std::vector<ExportedKey>& keys) {
  std::vector<std::string> all;
  for (const auto& key : keys) all.push_back(key.selector);
  return all;
}

TEST_F(ImportTest, what_is_exported_is_imported_again) {
  const auto rsa = write_elsewhere("r", rsa_pem());
  const auto ed25519 = write_elsewhere("e", ed25519_pem());
  const ImportRules rules{
      .rules = {{domain("example.com"),
                 {{domain("example.com"), "r1", rsa}, {domain("example.com"), "e1", ed25519}}}}};
  ASSERT_TRUE(apply(plan_import(rules, options_)));
  const std::vector domains{*read_domain(store_, domain("example.com"), false, kNow)};
  const std::map<Domain, Domain> parents{{domain("news.example.com"), domain("example.com")}};

  const auto opendkim = elsewhere_ / "opendkim";
  const auto one = export_keys(domains, parents, ExportFormat::opendkim, opendkim);
  ASSERT_TRUE(one);
  EXPECT_THAT(selectors(one->written), ElementsAre("r1"));
  EXPECT_THAT(selectors(one->left_out), ElementsAre("e1"));
  const auto back = read_opendkim(opendkim / "opendkim.conf", {});
  ASSERT_TRUE(back) << back.error().detail;
  ASSERT_THAT(back->rules, SizeIs(2));
  EXPECT_EQ(back->rules[1].author.text(), "news.example.com");
  EXPECT_EQ(back->rules[1].keys.front().selector, "r1");
  EXPECT_EQ(std::filesystem::status(back->rules[0].keys.front().file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);

  const auto rspamd = elsewhere_ / "rspamd";
  const auto all = export_keys(domains, {}, ExportFormat::rspamd, rspamd);
  ASSERT_TRUE(all);
  EXPECT_THAT(selectors(all->written), ElementsAre("r1", "e1"));
  const auto both =
      read_rspamd(rspamd / "dkim_signing.conf", {}, [](const Domain& name) { return name; });
  ASSERT_TRUE(both) << both.error().detail;
  ASSERT_THAT(both->rules, SizeIs(1));
  EXPECT_THAT(both->rules[0].keys, SizeIs(2));
  EXPECT_THAT(plan_import(*both, options_).refusals, IsEmpty());
  EXPECT_EQ(export_keys(domains, {}, ExportFormat::rspamd, rspamd).error().fault,
            Fault::bad_parameter);

  const auto tables = elsewhere_ / "tables";
  const auto first = export_keys(domains, parents, ExportFormat::rspamd, tables);
  ASSERT_TRUE(first);
  EXPECT_THAT(selectors(first->left_out), ElementsAre("e1"));
  EXPECT_FALSE(std::filesystem::exists(tables / "keys/example.com.e1.key"));
  EXPECT_EQ(export_keys(domains, {}, ExportFormat::opendkim, elsewhere_ / "a:b").error().fault,
            Fault::bad_parameter);
  EXPECT_FALSE(std::filesystem::exists(elsewhere_ / "a:b"));
}

}  // namespace
}  // namespace signet::keys
