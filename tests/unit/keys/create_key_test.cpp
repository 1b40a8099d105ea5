#include "keys/create_key.hpp"

#include "tests/unit/keys/store_fixture.hpp"

namespace signet::keys {
namespace {

class CreateKeyTest : public StoreTest {
 protected:
  Result<CreatedKey> create(Algorithm algorithm) const {
    return create_key(
        {.directory = store_, .delegation = Delegation{domain("dkim.example"), {"s1", "s2", "s3"}}},
        domain("a.example"), "", algorithm, {kNow, "new", "a test"});
  }
  void write_active(const std::string& selector) const {
    write("a.example/" + selector + ".pem", rsa_pem());
    write("a.example/keyset.toml", "[[key]]\nselector = \"" + selector +
                                       "\"\nstate = \"active\"\nalgorithm = \"rsa-sha256\"\n");
  }

  static constexpr WallTime kNow{std::chrono::seconds(1'795'000'000)};
};

TEST_F(CreateKeyTest, a_delegated_domain_gets_a_selector_that_has_a_cname) {
  write_active("s1");
  for (const bool is_new : {true, false}) {
    const auto made = create(Algorithm::ed25519);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->selector, "s2");
    EXPECT_EQ(made->place, "s2.a.example.dkim.example");
    EXPECT_EQ(made->is_new, is_new);
  }
}

TEST_F(CreateKeyTest, a_delegated_domain_that_has_its_key_gets_no_other) {
  write_active("s1");
  const auto made = create(Algorithm::rsa);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->selector, "s1");
  EXPECT_FALSE(made->is_new);
  ASSERT_TRUE(create(Algorithm::ed25519));
  EXPECT_FALSE(create(Algorithm::rsa)->is_new) << "the other algorithm's key is none of its";
}

TEST_F(CreateKeyTest, a_stable_selector_in_other_letters_is_in_use) {
  write_active("S1");
  const auto known = create(Algorithm::rsa);
  ASSERT_TRUE(known) << known.error().detail;
  EXPECT_EQ(known->selector, "S1");
  EXPECT_EQ(known->place, "S1.a.example.dkim.example");
  EXPECT_EQ(create(Algorithm::ed25519)->selector, "s2");
}

TEST_F(CreateKeyTest, a_domain_that_keeps_its_own_records_gets_a_dated_selector) {
  write("a.example/domain.toml", "[rotation]\ndelegated = false\n");
  write_active("s1");
  const auto made = create(Algorithm::ed25519);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->place, made->selector + "._domainkey.a.example");
  EXPECT_TRUE(made->selector.starts_with("s2026")) << made->selector;
}

}  // namespace
}  // namespace signet::keys
