// `signet token new`: tokens of the admin API.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "relay/admin/tokens.hpp"
#include "relay/commands.hpp"

namespace signet::commands {

int new_token(const std::string& name, bool may_write, bool json) {
  if (!admin::is_token_name(name)) {
    std::fprintf(stderr, "signet: a name is 1 to 64 letters, digits, '.', '_' or '-'\n");
    return 64;
  }
  const auto scope = may_write ? admin::Scope::write : admin::Scope::read;
  const auto made = admin::make_token(name, scope);
  if (!made) {
    std::fprintf(stderr, "signet: %s\n", made.error().detail.c_str());
    return 2;
  }
  if (json) {
    const nlohmann::json words{{"name", name},
                               {"scope", admin::name_of(scope)},
                               {"token", made->token},
                               {"line", made->line}};
    std::printf("%s\n", words.dump().c_str());
    return 0;
  }
  std::printf("%s\n", made->line.c_str());
  std::fprintf(stderr,
               "Add this line to the file of [admin] tokens; the token, shown only now:\n%s\n",
               made->token.c_str());
  return 0;
}

}  // namespace signet::commands
