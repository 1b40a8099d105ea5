// What is written from the command line's own description of itself: the completion for bash, the
// manual page signet(1); and signet.toml(5) from the example configuration.
#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace signet::commands {

/// For bash-completion: commands and options, files after an option that takes a value.
[[nodiscard]] std::string bash_completion(const CLI::App& app);
/// In the man macros of roff.
[[nodiscard]] std::string command_manual(const CLI::App& app);
/// The text of config/signet.example.toml.
[[nodiscard]] std::string_view example_configuration();
/// `example`: the text of config/signet.example.toml, whose comments say what each option does.
[[nodiscard]] std::string settings_manual(std::string_view example);

}  // namespace signet::commands
