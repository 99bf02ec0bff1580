/* Asks librdkafka's own partitioners: one key a line on stdin, in hex (`-` is a null key), one JSON object a
 * line on stdout: partitioner -> a partition for each of the partition counts that the arguments give. Those
 * named `..._random` choose at random where there is no key: such an answer is null. */

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int32_t (*partitioner_t)(const rd_kafka_topic_t *, const void *, size_t, int32_t, void *, void *);

static const struct {
        const char *name;
        partitioner_t partitioner;
        int random_without_key;
        int random_with_empty_key;
} partitioners[] = {
    {"consistent", rd_kafka_msg_partitioner_consistent, 0, 0},
    {"consistent_random", rd_kafka_msg_partitioner_consistent_random, 1, 1},
    {"murmur2", rd_kafka_msg_partitioner_murmur2, 0, 0},
    {"murmur2_random", rd_kafka_msg_partitioner_murmur2_random, 1, 0},
    {"fnv1a", rd_kafka_msg_partitioner_fnv1a, 0, 0},
    {"fnv1a_random", rd_kafka_msg_partitioner_fnv1a_random, 1, 0},
};

int main(int argc, char **argv) {
        static char line[1 << 20];
        static unsigned char key[1 << 19];
        fprintf(stderr, "librdkafka %s\n", rd_kafka_version_str());
        while (fgets(line, sizeof(line), stdin)) {
                size_t length = strcspn(line, "\n") / 2;
                int is_null = line[0] == '-';
                if (is_null) length = 0;
                for (size_t i = 0; i < length; i++) sscanf(line + 2 * i, "%2hhx", &key[i]);
                for (size_t p = 0; p < sizeof(partitioners) / sizeof(*partitioners); p++) {
                        int is_random = is_null ? partitioners[p].random_without_key
                                                : length == 0 && partitioners[p].random_with_empty_key;
                        printf("%s\"%s\":", p == 0 ? "{" : ",", partitioners[p].name);
                        if (is_random) {
                                printf("null");
                                continue;
                        }
                        for (int i = 1; i < argc; i++) {
                                int32_t chosen = partitioners[p].partitioner(
                                    NULL, is_null ? NULL : key, length, atoi(argv[i]), NULL, NULL);
                                printf("%s%d", i == 1 ? "[" : ",", chosen);
                        }
                        printf("]");
                }
                printf("}\n");
        }
        return 0;
}
