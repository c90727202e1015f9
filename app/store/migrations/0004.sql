-- What a tool is called by the server that it is of: `name` is what the model wrote, which depends on what else there was.
ALTER TABLE calls ADD COLUMN asked_as TEXT NOT NULL DEFAULT '';

-- A place is a JSON string from here on: a path may have bytes that are no text.
UPDATE calls SET place = json_quote(place);

-- Rules name a tool as its server does. Those that may have been made under a name with the server's before it and a
-- number behind it are kept, and hold for the names without these too: no denial becomes a question.
UPDATE program SET settings = json_set(settings, '$.tool_rules', (
    WITH
        stored AS (SELECT value AS rule, value ->> 'tool' AS tool, value ->> 'server' AS server
                   FROM json_each(settings, '$.tool_rules') WHERE type = 'object'),
        plain AS (SELECT rule, substr(tool, length(server) + 2) AS tool
                  FROM stored WHERE server <> '' AND substr(tool, 1, length(server) + 1) = server || '_'),
        unnumbered AS (SELECT rule, rtrim(tool, '0123456789') AS tool
                       FROM plain WHERE tool GLOB '*_[0-9]*' AND rtrim(tool, '0123456789') GLOB '?*_')
    SELECT json_group_array(json(rule)) FROM (
        SELECT rule FROM stored
        UNION ALL SELECT json_set(rule, '$.tool', tool) FROM plain WHERE tool <> ''
        UNION ALL SELECT json_set(rule, '$.tool', substr(tool, 1, length(tool) - 1)) FROM unnumbered
    )
))
WHERE json_valid(settings) AND json_array_length(settings, '$.tool_rules') > 0;

UPDATE program SET needs = 'Cabochon 0.4';
