// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LogLevelsTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            info                                    | INFO  |
            none                                    | NONE  |
            Debug                                   | DEBUG |
            all:warn                                | WARN  | WARN
            cni-agent:debug                         | DEBUG |
            default:info,cni-agent:debug            | DEBUG |
            cni-agent:debug,default:error           | DEBUG |
            default:warn,cni:debug                  | DEBUG |
            cni:debug,cni-agent:error               | ERROR |
            warn,cni-plugin:debug                   | WARN  | DEBUG
            all:error,default:debug                 | ERROR | ERROR
            cni-agent:debug,all:fatal               | FATAL | FATAL
            all:none,cni-agent:info                 | INFO  | NONE
            grpc:none                               | INFO  |
            default:info, cni-plugin:none           | INFO  | NONE
            """)
    void scopesDecideAsInIstio(String text, LogLevels.Level daemon, LogLevels.Level plugin) {
        LogLevels levels = LogLevels.parse(text);

        assertThat(levels.daemon()).isEqualTo(daemon);
        assertThat(levels.plugin().orElse(null)).isEqualTo(plugin);
    }

    @ParameterizedTest
    @ValueSource(strings = {"loud", "", "info,", "cni:", ":info", "a:b:info", "cni-agent"})
    void whatIsNoLevelIsQuotedWithThoseThatThereAre(String text) {
        assertThatThrownBy(() -> LogLevels.parse(text))
                .hasMessage(
                        "is '" + text + "', but must be a level, debug, info, warn, error, fatal, none, or levels by"
                                + " scope, such as default:info,cni-agent:debug");
    }
}
