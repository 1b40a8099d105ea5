#include "relay/accept/password.hpp"

#include <gtest/gtest.h>

namespace signet::accept {
namespace {

TEST(PasswordTest, a_made_hash_is_yescrypt_and_accepts_only_its_password) {
  const auto hash = make_password_hash("correct horse");
  ASSERT_TRUE(hash);
  EXPECT_TRUE(hash->starts_with("$y$j9T$"));
  EXPECT_TRUE(check_password(*hash, "correct horse"));
  EXPECT_FALSE(check_password(*hash, "correct horsf"));
  EXPECT_FALSE(check_password(*hash, ""));
  EXPECT_FALSE(check_password(*hash, std::string("correct horse\0x", 15)));
}

TEST(PasswordTest, two_hashes_of_one_password_differ) {
  EXPECT_NE(*make_password_hash("a"), *make_password_hash("a"));
}

TEST(PasswordTest, other_methods_of_crypt_are_checked_too) {
  EXPECT_TRUE(
      check_password("$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnI"
                     "FNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
                     "Hello world!"));
}

TEST(PasswordTest, locked_and_malformed_hashes_accept_nothing) {
  for (const char* hash : {"", "*", "!", "x", "$y$", "$y$j9T$", "plain"}) {
    EXPECT_FALSE(check_password(hash, "")) << hash;
    EXPECT_FALSE(check_password(hash, "plain")) << hash;
    EXPECT_FALSE(check_password(hash, hash)) << hash;
  }
  const std::string hash = *make_password_hash("a");
  EXPECT_FALSE(check_password("!" + hash, "a"));
  EXPECT_FALSE(check_password(hash.substr(0, hash.size() - 1), "a"));
}

TEST(PasswordTest, refuses_to_hash_what_crypt_would_cut) {
  EXPECT_FALSE(make_password_hash(""));
  EXPECT_FALSE(make_password_hash(std::string("a\0b", 3)));
  EXPECT_FALSE(make_password_hash(std::string(512, 'a')));
  EXPECT_TRUE(make_password_hash(std::string(511, 'a')));
}

TEST(PasswordTest, the_hash_for_unknown_users_has_the_default_cost_and_no_easy_password) {
  const std::string made = *make_password_hash("a");
  EXPECT_EQ(hash_for_unknown_user().substr(0, 7), made.substr(0, 7));
  EXPECT_EQ(hash_for_unknown_user().size(), made.size());
  EXPECT_FALSE(check_password(hash_for_unknown_user(), ""));
}

}  // namespace
}  // namespace signet::accept
