// The argument of BDAT (RFC 3030 2): chunk-size, and LAST after a space.
#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"
#include "relay/smtp/parameter.hpp"

namespace signet::smtp {

Result<BdatCommand> parse_bdat(std::string_view argument) {
  const std::size_t space = argument.find(' ');
  const auto size = parse_octet_count(argument.substr(0, space));
  const bool last = space != std::string_view::npos;
  if (!size || (last && !equals_ignoring_case(argument.substr(space + 1), "LAST"))) {
    return fail(Fault::bad_parameter, "BDAT " + std::string(argument), "Syntax: BDAT SIZE [LAST]");
  }
  return BdatCommand{.size = *size, .last = last};
}

}  // namespace signet::smtp
