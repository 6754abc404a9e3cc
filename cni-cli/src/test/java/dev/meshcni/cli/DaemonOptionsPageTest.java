// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.config.EnvironmentDefaults;
import dev.meshcni.daemon.InstallCni;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * docs/daemon-options.md is made from the options of {@code install-cni}; with {@code -Dpages.record} this writes it.
 */
class DaemonOptionsPageTest {
    private static final Path PAGE = Path.of("..", "docs", "daemon-options.md");
    private static final String BEGIN = "<!-- made by DaemonOptionsPageTest -->\n";

    /** The parts of the options, by the name of the field that has them. */
    private static final Map<String, String> PARTS = new LinkedHashMap<>();

    static {
        PARTS.put("options", "Daemon");
        PARTS.put("plugin", "Plugin");
        PARTS.put("installer", "Installation");
        PARTS.put("keeping", "Keeping the installation");
        PARTS.put("kubernetes", "Kubernetes");
        PARTS.put("repair", "Repair");
        PARTS.put("enrolment", "Ambient mode");
        PARTS.put("monitoring", "Monitoring");
    }

    @Test
    void thePageHasEveryOptionAsTheHelpHasIt() throws IOException {
        String page = Files.readString(PAGE);
        String made = page.substring(0, page.indexOf(BEGIN) + BEGIN.length()) + tables();
        if (System.getProperty("pages.record") != null) {
            Files.writeString(PAGE, made);
        }

        assertThat(page).as("run this test with -Dpages.record").isEqualTo(made);
    }

    @Test
    void everyPartWithOptionsToShowIsOnThePage() {
        new CommandLine(InstallCni.class)
                .getCommandSpec()
                .mixins()
                .forEach((name, part) -> assertThat(PARTS.containsKey(name)
                                || part.options().stream().allMatch(OptionSpec::hidden)
                                || part.mixinStandardHelpOptions()
                                || name.equals("mixinStandardHelpOptions"))
                        .as(name)
                        .isTrue());
    }

    private static String tables() {
        Map<String, CommandSpec> mixins =
                new CommandLine(InstallCni.class).getCommandSpec().mixins();
        StringBuilder text = new StringBuilder();
        PARTS.forEach((name, title) -> {
            text.append("\n## ").append(title).append("\n\n| option | variable | |\n|---|---|---|\n");
            mixins.get(name).options().stream()
                    .filter(option -> !option.hidden())
                    .map(DaemonOptionsPageTest::row)
                    .forEach(text::append);
        });
        return text.toString();
    }

    private static String row(OptionSpec option) {
        String name = option.longestName();
        String value = option.arity().max() == 0
                ? ""
                : option.arity().min() == 0 ? "[=" + option.paramLabel() + "]" : " " + option.paramLabel();
        return "| `" + name + value + "` | `" + EnvironmentDefaults.variable(name) + "` | "
                + String.join(" ", option.description()).replace("%%", "%").replace("|", "\\|") + " |\n";
    }
}
