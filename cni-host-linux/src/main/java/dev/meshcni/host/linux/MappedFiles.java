// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;

/** Files that are mapped into the memory of this process, such as the JVM's library and its AOT cache. */
public final class MappedFiles {
    private static final Path SMAPS = Path.of("/proc/self/smaps");
    private static final int MADV_DONTNEED = 4;

    /** In KiB: what a mapping must hold to be worth a call. */
    private static final long WORTHWHILE = 512;

    /**
     * A mapping of a file ({@code proc_pid_smaps(5)}).
     *
     * @param start its first address
     * @param length in bytes
     * @param writable whether this process may write to it
     * @param residentKib what of it is in memory
     * @param anonymousKib what of that differs from the file
     */
    private record Mapping(long start, long length, boolean writable, long residentKib, long anonymousKib) {
        boolean mayBeReleased() {
            return !writable && anonymousKib == 0 && residentKib >= WORTHWHILE;
        }
    }

    private MappedFiles() {}

    /**
     * Takes pages of files that this process has only read out of its memory ({@code madvise(2)},
     * {@code MADV_DONTNEED}). They stay in the kernel's cache for files, and come back from there when they are needed:
     * after the start of a JVM, most are not.
     *
     * @return how much was taken out, in KiB; 0 where the mappings cannot be read
     */
    public static long release() {
        long released = 0;
        for (Mapping mapping : mappings()) {
            if (mapping.mayBeReleased()
                    && !LibC.MADVISE
                            .call(MemorySegment.ofAddress(mapping.start), mapping.length, MADV_DONTNEED)
                            .failed()) {
                released += mapping.residentKib;
            }
        }
        return released;
    }

    private static List<Mapping> mappings() {
        List<Mapping> mappings = new ArrayList<>();
        try {
            Reader reader = new Reader();
            // The name of a file is bytes of any encoding, and only that there is one counts here.
            for (String line : Files.readAllLines(SMAPS, StandardCharsets.ISO_8859_1)) {
                reader.read(line, mappings);
            }
        } catch (IOException _) {
            return List.of();
        }
        return mappings;
    }

    /** Reads mapping after mapping: a line that names it, and lines with its numbers. */
    private static final class Reader {
        private String range = "";
        private boolean file;
        private boolean writable;
        private long resident;

        void read(String line, List<Mapping> mappings) {
            StringTokenizer words = new StringTokenizer(line);
            String first = words.nextToken();
            switch (first) {
                case "Rss:" -> resident = Long.parseLong(words.nextToken());
                case "Anonymous:" -> {
                    if (file) {
                        mappings.add(mapping(Long.parseLong(words.nextToken())));
                    }
                }
                default -> {
                    if (!first.endsWith(":")) {
                        range = first;
                        writable = words.nextToken().charAt(1) == 'w';
                        file = line.indexOf('/') > 0;
                    }
                }
            }
        }

        private Mapping mapping(long anonymous) {
            int dash = range.indexOf('-');
            long start = Long.parseUnsignedLong(range, 0, dash, 16);
            long end = Long.parseUnsignedLong(range, dash + 1, range.length(), 16);
            return new Mapping(start, end - start, writable, resident, anonymous);
        }
    }
}
