// Settings that are right one by one and wrong together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/reader.hpp"

namespace signet::config {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kTop =
    "hostname = 'mx.example'\nstore = '/s'\nspool = 'queue'\n"
    "[[client]]\nname = 'apps'\nnetworks = ['10.0.0.0/8']\nusers = ['app']\n"
    "domains = ['example.com']\n"
    "[[user]]\nname = 'app'\npassword = '$y$j9T$abcdefgh$0123456789'\n";
constexpr std::string_view kListen = "[[listen]]\naddress = '127.0.0.1:0'\n";

std::string told(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += problem.to_string() + "\n";
  return text;
}

std::string problems_of(const std::string& more) {
  return told(load_text(std::string(kTop) + more, "signet.toml").problems);
}

TEST(ContradictionsTest, authentication_is_required_only_where_tls_is_offered) {
  const std::string listen = std::string(kListen) + "require_auth = true\n";
  EXPECT_THAT(problems_of(listen), HasSubstr("signet.toml:14:16: 'require_auth' in [[listen]] "
                                             "needs tls = \"starttls\" or \"implicit\""));
  EXPECT_THAT(problems_of(listen + "[tls]\ncertificate = 'c'\nkey = 'k'\n"), IsEmpty());
}

TEST(ContradictionsTest, mail_to_the_internet_leaves_from_an_address_that_receivers_see) {
  const auto pool = [](const std::string& address) {
    return std::string(kListen) + "[[pool]]\nname = 'default'\naddresses = [{ " + address + " }]\n";
  };
  EXPECT_THAT(problems_of(pool("bind = '10.0.0.5'")),
              HasSubstr("signet.toml:16:23: 10.0.0.5 of pool 'default' is a private address, which "
                        "no receiver sees, and route 'default' leads to the Internet"));
  EXPECT_THAT(problems_of(pool("bind = '10.0.0.5', public = '198.51.100.7'")), IsEmpty());
  const std::string elsewhere =
      "[[route]]\nname = 'hop'\ndefault = true\nnext_hop = 'smtp://hop.example'\n";
  EXPECT_THAT(problems_of(pool("bind = '10.0.0.5'") + elsewhere), IsEmpty());
}

TEST(ContradictionsTest, stable_selectors_belong_to_a_delegated_zone) {
  const auto rotation = [](std::string_view lines) {
    return problems_of(std::string(kListen) + "[rotation]\n" + std::string(lines));
  };
  EXPECT_THAT(rotation("selectors = ['s1', 's2']\n"), HasSubstr("count only with 'delegate_to'"));
  for (const auto* wrong : {"['s1']", "['s1', 's1']", "['s1', 'a.b']", "['s1', 'S2']"})
    EXPECT_THAT(rotation("delegate_to = 'dkim.example'\nselectors = " + std::string(wrong) + "\n"),
                HasSubstr("two or more different names"))
        << wrong;
  EXPECT_THAT(rotation("delegate_to = 'dkim.example'\n"), IsEmpty());
}

TEST(ContradictionsTest, client_certificates_need_one_of_ours) {
  EXPECT_THAT(problems_of(std::string(kListen) + "[tls]\nclient_ca = 'ca'\n"),
              HasSubstr("'client_ca' in [tls] needs 'certificate' and 'key'"));
}

TEST(ContradictionsTest, a_signature_lives_as_long_as_the_mail) {
  const std::string listen(kListen);
  constexpr auto kWhat = "'life' in [queue] is more than 'signature_life' in [signing]";
  EXPECT_THAT(problems_of(listen + "[queue]\nlife = '13d'\n"), HasSubstr(kWhat));
  EXPECT_THAT(problems_of(listen + "[signing]\nsignature_life = '4d'\n"), HasSubstr(kWhat));
  EXPECT_THAT(problems_of(listen + "[signing]\nsignature_life = '4d'\n[queue]\nlife = '4d'\n"),
              IsEmpty());
}

TEST(ContradictionsTest, the_admin_api_is_not_opened_to_everybody) {
  const std::string admin = std::string(kListen) + "[admin]\n";
  const std::string tokens = "tokens = '/t'\n";
  EXPECT_THAT(problems_of(admin + "listen = '127.0.0.1:9126'\n"), HasSubstr("needs 'tokens'"));
  EXPECT_THAT(problems_of(admin + tokens + "listen = '[::1]:9126'\n"), IsEmpty());
  EXPECT_THAT(problems_of(admin + tokens + "listen = '0.0.0.0:9126'\n"),
              HasSubstr("is not a loopback address"));
  EXPECT_THAT(problems_of(admin + tokens + "listen = '10.0.0.1:9126'\nallow_remote = true\n"),
              IsEmpty());
  EXPECT_THAT(problems_of(admin + "requests_per_second = 0\n"), HasSubstr("requests_per_second"));
}

TEST(ContradictionsTest, limits_that_would_let_no_message_in_are_wrong) {
  for (const char* limit : {"message_bytes = 0", "header_bytes = 10", "session_memory_bytes = 1",
                            "session_memory_bytes = '1 KiB'"}) {
    EXPECT_THAT(problems_of(std::string(kListen) + "[limits]\n" + limit + "\n"),
                HasSubstr("must be at least"))
        << limit;
  }
}

TEST(ContradictionsTest, a_user_of_no_client_is_a_warning) {
  const Loaded loaded = load_text(std::string(kTop) + std::string(kListen) +
                                      "[[user]]\nname = 'bob'\n"
                                      "password = '$y$j9T$abcdefgh$0123456789'\n",
                                  "signet.toml");
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(told(loaded.warnings), HasSubstr("signet.toml:15:8: user 'bob' is of no [[client]]"));
  EXPECT_THAT(told(loaded.warnings), Not(HasSubstr("user 'app'")));
}

}  // namespace
}  // namespace signet::config
