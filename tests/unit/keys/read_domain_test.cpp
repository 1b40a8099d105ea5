#include <gtest/gtest.h>

#include "keys/create_key.hpp"
#include "keys/key_set.hpp"
#include "tests/unit/keys/store_fixture.hpp"

namespace signet::keys {
namespace {

namespace fs = std::filesystem;

class ReadDomainTest : public StoreTest {
 protected:
  Result<std::shared_ptr<const SigningDomain>> read() {
    return read_domain(store_, domain("a.example"), false, now_);
  }
  Result<CreatedKey> create(std::string selector, Algorithm algorithm, WallTime now = {}) {
    return create_key({.directory = store_}, domain("a.example"), std::move(selector), algorithm,
                      {.at = now, .reason = "new", .by = "a test"});
  }
  void expect_refused(Fault fault, std::string_view why) {
    const auto read_now = read();
    ASSERT_FALSE(read_now);
    EXPECT_EQ(read_now.error().fault, fault) << read_now.error().detail;
    EXPECT_NE(read_now.error().detail.find(why), std::string::npos) << read_now.error().detail;
  }

  WallTime now_{std::chrono::seconds(1'795'000'000)};  // 2026-11-18T11:06:40Z
};

TEST_F(ReadDomainTest, one_key_without_a_keyset_is_active) {
  write("a.example/s1.pem", rsa_pem());
  write("a.example/.draft.pem", "half");
  write("a.example/notes.txt", "x");
  const auto found = read();
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ((*found)->name.text(), "a.example");
  ASSERT_EQ((*found)->keys.size(), 1U);
  EXPECT_EQ((*found)->keys[0].selector, "s1");
  EXPECT_FALSE((*found)->profile_given);
}

TEST_F(ReadDomainTest, no_directory_or_no_key_is_not_found) {
  expect_refused(Fault::not_found, "");
  fs::create_directories(store_ / "a.example");
  expect_refused(Fault::not_found, "no key");
}

TEST_F(ReadDomainTest, two_keys_without_a_keyset_are_an_error) {
  write("a.example/s1.pem", rsa_pem());
  write("a.example/s2.pem", rsa_pem());
  expect_refused(Fault::key_unavailable, "several keys");
}

TEST_F(ReadDomainTest, takes_the_active_keys_rsa_first) {
  write("a.example/e1.pem", ed25519_pem());
  write("a.example/s1.pem", rsa_pem());
  write("a.example/s2.pem", rsa_pem());
  write("a.example/keyset.toml",
        "[[key]]\nselector='e1'\nstate='active'\n[[key]]\nselector='s1'\nstate='retiring'\n"
        "[[key]]\nselector='s2'\nstate='active'\n[[key]]\nselector='gone'\nstate='revoked'\n");
  const auto found = read();
  ASSERT_TRUE(found) << found.error().detail;
  ASSERT_EQ((*found)->keys.size(), 2U);
  EXPECT_EQ((*found)->keys[0].selector, "s2");
  EXPECT_EQ((*found)->keys[1].selector, "e1");
}

TEST_F(ReadDomainTest, a_canary_comes_after_the_active_keys_and_a_broken_one_is_left_out) {
  write("a.example/s1.pem", rsa_pem());
  write("a.example/s2.pem", rsa_pem());
  write("a.example/keyset.toml",
        "[[key]]\nselector='s2'\nstate='canary'\nshare=10\n"
        "[[key]]\nselector='s1'\nstate='active'\n");
  auto found = read();
  ASSERT_TRUE(found) << found.error().detail;
  ASSERT_EQ((*found)->keys.size(), 2U);
  EXPECT_EQ((*found)->keys[0].selector, "s1");
  EXPECT_EQ((*found)->keys[1].selector, "s2");
  EXPECT_EQ((*found)->keys[1].canary_share, 10U);
  EXPECT_EQ(active_keys(**found).size(), 1U);
  write("a.example/s2.pem", "no key");
  found = read();
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ((*found)->keys.size(), 1U);
  EXPECT_EQ((*found)->warnings.size(), 1U);
  fs::remove(store_ / "a.example/s1.pem");
  EXPECT_FALSE(read());
}

TEST_F(ReadDomainTest, a_share_belongs_to_a_canary) {
  write("a.example/s1.pem", rsa_pem());
  for (const char* wrong : {"state='active'\nshare=10", "state='canary'", "state='canary'\nshare=0",
                            "state='canary'\nshare=100", "state='canary'\nshare='10'"}) {
    write("a.example/keyset.toml", std::string("[[key]]\nselector='s1'\n") + wrong + "\n");
    expect_refused(Fault::key_unavailable, "share");
  }
}

TEST_F(ReadDomainTest, reads_the_profile) {
  write("a.example/s1.pem", rsa_pem());
  write("a.example/domain.toml", "profile = 'bulk'\n[policy]\nalignment = 'hold'\n");
  const auto found = read();
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ((*found)->profile, Profile::bulk);
  EXPECT_TRUE((*found)->profile_given);
  EXPECT_EQ((*found)->alignment, AlignmentPolicy::hold);
}

TEST_F(ReadDomainTest, refuses_a_misspelt_policy) {
  write("a.example/s1.pem", rsa_pem());
  for (const char* policy : {"alignment = 'hodl'", "alignement = 'hold'", "alignment = 1"}) {
    write("a.example/domain.toml", std::string("[policy]\n") + policy + "\n");
    expect_refused(Fault::key_unavailable, "domain.toml");
  }
}

TEST_F(ReadDomainTest, an_ed25519_key_never_signs_alone) {
  write("a.example/e1.pem", ed25519_pem());
  expect_refused(Fault::key_unavailable, "beside an RSA key");
}

TEST_F(ReadDomainTest, says_which_file_is_wrong) {
  write("a.example/s1.pem", rsa_pem(), 0644);
  expect_refused(Fault::key_unavailable, "s1.pem: accessible by others");
  write("a.example/s1.pem", "x");
  expect_refused(Fault::key_unavailable, "s1.pem: no private key");
  write("a.example/keyset.toml", "[[key]]\nselector='s9'\nstate='active'\n");
  expect_refused(Fault::key_unavailable, "s9.pem");
  write("a.example/keyset.toml", "[[key]]\nselector='s1'\nstate='retiring'\n");
  expect_refused(Fault::no_active_key, "no active key");
  write("a.example/keyset.toml", "[[key]]\nselector='s1'\nstate='actve'\n");
  expect_refused(Fault::key_unavailable, "keyset.toml: line 3: unknown state");
  write("a.example/keyset.toml", "", 0666);
  expect_refused(Fault::key_unavailable, "keyset.toml: writable by group or others");
  fs::remove(store_ / "a.example/keyset.toml");
  write("a.example/domain.toml", "profle = 'bulk'\n");
  expect_refused(Fault::key_unavailable, "domain.toml: line 1");
}

// openssl genrsa 1024
constexpr std::string_view kShortRsa = R"(-----BEGIN PRIVATE KEY-----
MIICeQIBADANBgkqhkiG9w0BAQEFAASCAmMwggJfAgEAAoGBAK3ggYvAo9eFSfPu
qh5X3pYMMCZA16+TUlf8lLTVFxjta9i1bi7wzRt9p3D0SWeJlQLl4bcL04pbvJUw
iSi5pV7zJ2PUKSyEAlmXJnf+1uwoDFMuyj0uTjMHMytosjfLRipOxLcz6uyM+k6C
8wixPsGPwZhnAY63dZ2JoR4rIWQhAgMBAAECgYEArGg7K66VBwO0A3q4FiQ8of1t
1NBgzUg/0tyxOuk74MyyLgwgN80vIz4hxB+FlXNXXKtCdzTzyXIS+L9KkSYbMPsu
lB88V2BNt1G9ROVNtIAl420qHS8YMS219UOujMhKhPP9GzHtKDH0HkBco/pS5gmK
pAkR3NlI2zbjErea+h0CQQDaxLFvoIGACi/6Rjj6VzzJ4diD4KiwpRr97fBUjq6D
AtVY58h+rff5j4HHV6wCLGJzfj+/FRQqQUuQdYdpB3jPAkEAy3f8EuHS/q+oXjtW
JuZlb5vE0Qhir94sbGg+vWheggXMzDjsPN6Wm1GN/pow0Fdcx8oxXlikSDOO0+HA
p+2wDwJBAKM1jN6nkxVwBD0mOInjnXFLsZkpeRBYDNwWsG6VB/KroXkzaqu/pDml
639JlAUHEefx7yLiWenwTqyWUhB0R5cCQQCT2JKlEcykXfVky471YzLP34srLQGw
syrqdvEn5l/N8PL4bmBSdpdPMvqPx3Cy4tg7IJOw744oHLarBX5dR5xHAkEAhdiZ
KN2W0QYZnlLZI2yvh5xc577Sx67NgH7iD59EMa2qxKp12a/ddBiF+mG9I5Z9DBFh
RCgbg63n8M1N8lU90A==
-----END PRIVATE KEY-----
)";

TEST_F(ReadDomainTest, a_short_key_signs_only_where_it_is_marked_legacy) {
  write("a.example/s1.pem", kShortRsa);
  expect_refused(Fault::key_unavailable, "1024 bits: under 2048");
  write("a.example/domain.toml", "legacy = true\n");
  expect_refused(Fault::key_unavailable, "legacy needs an end");
  write("a.example/domain.toml", "legacy = false\nlegacy_until = '2027-06-30T00:00:00Z'\n");
  expect_refused(Fault::key_unavailable, "legacy = false beside legacy_until");
  write("a.example/domain.toml", "legacy_until = '2027-06-30T00:00:00Z'\n");
  const auto found = read();
  ASSERT_TRUE(found) << found.error().detail;
  ASSERT_EQ((*found)->warnings.size(), 1U);
  EXPECT_NE((*found)->warnings[0].find("1024"), std::string::npos);
  fs::remove(store_ / "a.example/domain.toml");
  write("a.example/keyset.toml", "[[key]]\nselector='s1'\nstate='active'\nlegacy=true\n");
  expect_refused(Fault::key_unavailable, "legacy needs an end");
  write("a.example/keyset.toml",
        "[[key]]\nselector='s1'\nstate='active'\nlegacy=true\n"
        "legacy_until='2027-06-30T00:00:00Z'\n");
  EXPECT_TRUE(read());
}

TEST_F(ReadDomainTest, a_legacy_key_ends_on_its_day) {
  write("a.example/s1.pem", kShortRsa);
  write("a.example/keyset.toml",
        "[[key]]\nselector='s1'\nstate='active'\nlegacy_until='2026-11-19T00:00:00Z'\n");
  const auto found = read();
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_NE((*found)->warnings.at(0).find("legacy until 2026-11-19"), std::string::npos);
  now_ += std::chrono::hours(24);
  expect_refused(Fault::key_unavailable, "legacy ended on 2026-11-19T00:00:00Z");
}

TEST_F(ReadDomainTest, refuses_a_key_that_is_not_the_one_of_the_keyset) {
  const auto key = PrivateKey::from_pem(rsa_pem());
  write("a.example/s1.pem", PrivateKey::generate(Algorithm::rsa)->to_pem().view());
  write("a.example/keyset.toml",
        "[[key]]\nselector='s1'\nstate='active'\nfingerprint='" + fingerprint_of(*key) + "'\n");
  expect_refused(Fault::key_unavailable, "s1.pem: is not the key");
  write("a.example/s1.pem", rsa_pem());
  EXPECT_TRUE(read());
}

TEST_F(ReadDomainTest, works_in_a_mounted_secret) {
  write("..2026/a.example/s1.pem", rsa_pem());
  fs::create_symlink("..2026", store_ / "..data");
  fs::create_symlink("..data/a.example", store_ / "a.example");
  EXPECT_TRUE(read());
  EXPECT_TRUE(read_key_set({.directory = store_}, domain("a.example")));
  fs::remove(store_ / "a.example");  // Or a mount of the domain's own.
  write("a.example/..2026/s1.pem", rsa_pem());
  fs::create_symlink("..2026", store_ / "a.example/..data");
  fs::create_symlink("..data/s1.pem", store_ / "a.example/s1.pem");
  EXPECT_TRUE(read());
}

TEST_F(ReadDomainTest, a_link_to_another_domains_folder_gives_it_no_keys) {
  write("b.example/s1.pem", rsa_pem());
  for (const char* target : {"b.example", "..data/b.example"}) {
    write("..data/b.example/s1.pem", rsa_pem());
    fs::remove(store_ / "a.example");
    fs::create_symlink(target, store_ / "a.example");
    expect_refused(Fault::key_unavailable, "is a link to b.example");
    const StoreAccess access{.directory = store_};
    EXPECT_EQ(read_key_set(access, domain("a.example")).error().fault, Fault::key_unavailable);
    EXPECT_EQ(KeyFolder::open(access, domain("a.example"), true).error().fault,
              Fault::key_unavailable);
    EXPECT_TRUE(read_domain(store_, domain("b.example"), false, WallTime{}));
    EXPECT_TRUE(read_key_set(access, domain("b.example")));
  }
}

TEST_F(ReadDomainTest, creates_a_key_and_leaves_it_as_it_is) {
  const auto now = WallTime(std::chrono::seconds(1'795'000'000));  // 2026-11-18
  const auto made = create("", Algorithm::rsa, now);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->selector, "s20261118");
  const auto again = create("", Algorithm::rsa, now);
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(again->key.public_base64(), made->key.public_base64());
  struct stat status{};
  ASSERT_EQ(stat((store_ / "a.example/s20261118.pem").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  ASSERT_EQ(stat((store_ / "a.example").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700U);
  EXPECT_EQ(std::distance(fs::directory_iterator(store_ / "a.example"), {}), 1);
  EXPECT_TRUE(read());
}

TEST_F(ReadDomainTest, a_day_has_selectors_for_as_many_keys_as_a_domain) {
  const auto now = WallTime(std::chrono::seconds(1'795'000'000));  // 2026-11-18
  KeySet keys;
  while (keys.size() < kMaxKeys) {
    const auto selector = new_selector(keys, now);
    ASSERT_EQ(find_same_name(keys, selector), nullptr) << selector;
    ASSERT_TRUE(is_selector(selector)) << selector;
    keys.push_back({.selector = selector, .state = KeyState::revoked});
  }
  EXPECT_EQ(keys[25].selector, "s20261118z");
  EXPECT_EQ(keys[26].selector, "s20261118aa");
  EXPECT_EQ(keys[99].selector, "s20261118cv");
  write("a.example/keyset.toml", format_key_set({keys.begin(), keys.begin() + 27}));
  const auto made = create("", Algorithm::rsa, now);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->selector, "s20261118ab");
  EXPECT_EQ(new_selector({{.selector = "S20261118"}}, now), "s20261118b");
}

TEST_F(ReadDomainTest, never_gives_out_a_key_that_must_not_sign_or_is_of_another_kind) {
  const auto now = WallTime(std::chrono::seconds(1'795'000'000));  // 2026-11-18
  ASSERT_TRUE(create("", Algorithm::rsa, now));
  const auto other = create("", Algorithm::ed25519, now);
  ASSERT_TRUE(other) << other.error().detail;
  EXPECT_EQ(other->selector, "s20261118b");
  EXPECT_TRUE(other->is_new);
  EXPECT_EQ(other->entry.state, KeyState::generated);
  EXPECT_EQ(create("s20261118b", Algorithm::rsa).error().fault, Fault::key_state_wrong);
  EXPECT_EQ(create("S20261118", Algorithm::rsa).error().fault, Fault::key_state_wrong);
  write("a.example/stray.pem", rsa_pem());
  EXPECT_EQ(create("stray", Algorithm::rsa).error().fault, Fault::key_state_wrong);
  write("a.example/keyset.toml",
        "[[key]]\nselector='s20261118'\nstate='revoked'\nalgorithm='rsa-sha256'\n");
  EXPECT_EQ(create("s20261118", Algorithm::rsa).error().fault, Fault::key_state_wrong);
  const auto fresh = create("", Algorithm::rsa, now);
  ASSERT_TRUE(fresh) << fresh.error().detail;
  EXPECT_EQ(fresh->selector, "s20261118c");  // b has a file of its own.
}

TEST_F(ReadDomainTest, a_keyset_that_was_cut_off_is_no_leave_to_sign) {
  write("a.example/s1.pem", rsa_pem());
  for (const char* cut : {"", "\n", "# nothing\n"}) {
    write("a.example/keyset.toml", cut);
    expect_refused(Fault::key_unavailable, "no [[key]]");
  }
}

TEST_F(ReadDomainTest, a_selector_is_the_same_name_in_any_case) {
  write("a.example/s1.pem", rsa_pem());
  write("a.example/keyset.toml",
        "[[key]]\nselector='s1'\nstate='active'\n[[key]]\nselector='S1'\nstate='revoked'\n");
  expect_refused(Fault::key_unavailable, "twice");
}

TEST_F(ReadDomainTest, a_second_key_does_not_disturb_the_first) {
  const auto now = WallTime{};
  ASSERT_TRUE(create("s1", Algorithm::rsa, now));
  ASSERT_TRUE(create("e1", Algorithm::ed25519, now));
  ASSERT_TRUE(create("e2", Algorithm::ed25519, now));
  const auto found = read();
  ASSERT_TRUE(found) << found.error().detail;
  ASSERT_EQ((*found)->keys.size(), 1U);
  EXPECT_EQ((*found)->keys[0].selector, "s1");
  std::ifstream stream(store_ / "a.example/keyset.toml");
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  const auto entries = parse_key_set(text);
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->size(), 3U);
  EXPECT_EQ(format_key_set(*entries), text);
}

TEST_F(ReadDomainTest, refuses_to_create_what_could_not_sign) {
  const auto alone = create("e1", Algorithm::ed25519);
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().fault, Fault::bad_parameter);
  for (const std::string& selector :
       std::vector<std::string>{"../x", "a/b", ".x", "a..b", "a b", std::string(64, 'a')})
    EXPECT_FALSE(create(selector, Algorithm::rsa)) << selector;
}

TEST_F(ReadDomainTest,
       a_name_that_does_not_fit_the_delegated_zone_is_refused_before_a_key_is_made) {
  const auto label = std::string(59, 'x');
  const auto name = domain(label + "." + label + "." + label + "." + std::string(48, 'x'));
  ASSERT_EQ(("s1._domainkey." + name.text()).size(), 242U);
  StoreAccess store{.directory = store_, .delegation = Delegation{domain("dkim.example"), {"s1"}}};
  const auto make = [&](const std::string& selector) {
    return create_key(store, name, selector, Algorithm::rsa, {now_, "new", "a test"});
  };
  const auto first = make("s1");
  ASSERT_TRUE(first) << "244 octets fit: " << first.error().detail;
  fs::remove_all(store_ / name.text());
  store.delegation->zone = domain("dkim.keys.signet.example");
  const auto refused = make("s1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::bad_parameter);
  EXPECT_NE(refused.error().detail.find("longer than a DNS name"), std::string::npos);
  EXPECT_FALSE(fs::exists(store_ / name.text()));

  ASSERT_TRUE(make("own"));  // In the domain's own zone.
  auto folder = KeyFolder::open(store, name);
  auto keys = folder->read();
  const auto before = *keys;
  EXPECT_EQ(make_key(*folder, *keys, "s1", Algorithm::rsa, {now_, "due", ""}).error().fault,
            Fault::bad_parameter);
  EXPECT_EQ(make_key(*folder, *keys, std::string(60, 's'), Algorithm::rsa, {now_, "due", ""})
                .error()
                .fault,
            Fault::bad_parameter);
  EXPECT_EQ(*folder->read(), before);
  write(fs::path(name.text()) / "domain.toml", "[rotation]\ndelegated = false\n");
  EXPECT_TRUE(make_key(*folder, *keys, "s1", Algorithm::rsa, {now_, "due", ""}));
}

TEST(KeySetTest, reads_what_it_writes) {
  const WallTime now(std::chrono::seconds(1'795'000'000));
  const KeySet keys{
      {.selector = "s1",
       .state = KeyState::retiring,
       .legacy_until = now,
       .algorithm = Algorithm::rsa,
       .fingerprint = "SHA256:x",
       .moves = {{KeyState::generated, now, "said \"new\" \\ twice", "uid 0"},
                 {KeyState::retiring, now + std::chrono::seconds(1), "", ""}}},
      {.selector = "e1", .state = KeyState::deleted, .algorithm = Algorithm::ed25519}};
  const auto text = format_key_set(keys);
  const auto read = parse_key_set(text);
  ASSERT_TRUE(read) << read.error().detail << text;
  EXPECT_EQ(*read, keys);
  EXPECT_EQ(format_time(now), "2026-11-18T11:06:40Z");
}

struct KeySetCase {
  std::string_view toml;
  std::string_view why;
};

TEST(KeySetTest, refuses_what_it_does_not_know) {
  for (const auto& [toml, why] : std::vector<KeySetCase>{
           {"x", "line 1"},
           {"keys = 1", "only [[key]]"},
           {"key = 1", "only [[key]]"},
           {"[key]\nselector='a'", "only [[key]]"},
           {"[[key]]\nstate='active'", "no selector"},
           {"[[key]]\nselector='../a'\nstate='active'", "bad one"},
           {"[[key]]\nselector='a'", "no state"},
           {"[[key]]\nselector='a'\nstate='active'\nlegcy=true", "line 4"},
           {"[[key]]\nselector='a'\nstate='active'\nlegacy=1", "wrong type"},
           {"[[key]]\nselector='a'\nstate='active'\nalgorithm='rsa-sha1'", "unknown algorithm"},
           {"[[key]]\nselector='a'\nstate='active'\nlegacy_until='tomorrow'", "a time is written"},
           {"[[key]]\nselector='a'\nstate='active'\nlegacy_until='2026-02-30T00:00:00Z'",
            "a time is written"},
           {"[[key]]\nselector='a'\nstate='active'\n[[key.move]]\nto='active'", "'to' and 'at'"},
           {"[[key]]\nselector='a'\nstate='active'\n[[key.move]]\nto='retiring'\n"
            "at='2026-11-25T19:00:00Z'",
            "is said to be active, but its last move led to retiring"},
           {"[[key]]\nselector='a'\nstate='active'\n[[key]]\nselector='a'\nstate='active'",
            "twice"},
       }) {
    const auto entries = parse_key_set(toml);
    ASSERT_FALSE(entries) << toml;
    EXPECT_NE(entries.error().detail.find(why), std::string::npos) << entries.error().detail;
  }
}

}  // namespace
}  // namespace signet::keys
